//! What does a plot look like, as SVG?
//!
//! Bars from left to right, in groups, each with its name before it and its value behind it, so that nothing is said by
//! colour alone; a line across each bar's end shows what the median lies between. All begin at zero. 420 units wide, which
//! is about a phone, and text of 14 and 15 units.
//!
//! By hand, for it is forty lines of rectangles and text: a plotting library fixes its colours as it draws, and this
//! must read on light, on dark and on paper from one file, which takes a style sheet inside it, and must come out byte for
//! byte the same on every machine, whatever fonts that has.
//!
//! # In production
//!
//! A plotting library has axes, scales, lines and everything else that bars do not need, `plotters` in Rust, and it measures
//! its text with the fonts that it finds. Here a text's width is guessed from its length, generously.

use crate::statistics::Estimate;
use std::fmt::Write;

pub struct Plot {
    /// The file's name without its ending.
    pub name: &'static str,
    pub title: String,
    /// A line each, under the title.
    pub says: Vec<String>,
    pub groups: Vec<Group>,
    /// A value that all are held against, and its name.
    pub beside: Option<(f64, &'static str)>,
}

pub struct Group {
    pub heading: String,
    pub bars: Vec<Bar>,
}

pub struct Bar {
    pub name: String,
    /// Its colour, a class of the style sheet.
    pub class: &'static str,
    pub value: Estimate,
    /// The value in words.
    pub label: String,
}

const WIDTH: f64 = 420.0;
const MARGIN: f64 = 16.0;
const BAR: f64 = 18.0;
const PITCH: f64 = 25.0;
/// Between a name and its bar, and between a bar and its label.
const GAP: f64 = 8.0;

/// On light unless the reader's system asks for dark; paper is always light. The card is opaque, for the page around it may
/// be darker or lighter than the system says.
const STYLE: &str = "
text { font: 14px system-ui, 'Segoe UI', Roboto, 'Noto Sans', Arial, sans-serif; fill: #1b1f24 }
.title { font-size: 16px; font-weight: 600 } .heading { font-size: 15px; font-weight: 600 } .says { fill: #505a66 }
.card { fill: #ffffff; stroke: #d5dae0 }
.label { paint-order: stroke; stroke: #ffffff; stroke-width: 5 } .interval { stroke: #1b1f24; stroke-width: 1.5; fill: none }
.name { text-anchor: end } .middle { text-anchor: middle } .zero { stroke: #8a939e } .beside { stroke: #1b1f24; stroke-dasharray: 4 3 }
.first { fill: #2f6fde } .second { fill: #9aa4b0 } .third { fill: #dd8b3b } .fourth { fill: #eebf92 }
@media (prefers-color-scheme: dark) {
text { fill: #e8ebef } .says { fill: #aab3be } .card { fill: #14181d; stroke: #3a424c } .label { stroke: #14181d }
.interval, .beside { stroke: #f4f6f8 } .zero { stroke: #76808c }
.first { fill: #3f7fe8 } .second { fill: #6b7683 } .third { fill: #b8691d } .fourth { fill: #8a5a2b }
}
@media print {
text { fill: #000000 } .says { fill: #333333 } .card { fill: #ffffff; stroke: none } .label { stroke: #ffffff }
.interval, .beside { stroke: #000000 }
.first { fill: #2f6fde } .second { fill: #9aa4b0 } .third { fill: #dd8b3b } .fourth { fill: #eebf92 }
}
";

impl Plot {
    /// The whole file.
    pub fn svg(&self) -> String {
        let bars = || self.groups.iter().flat_map(|group| &group.bars);
        let widest = |texts: &mut dyn Iterator<Item = &str>| texts.map(|text| width(text, 14.0)).fold(0.0, f64::max);
        let left = MARGIN + widest(&mut bars().map(|bar| bar.name.as_str())) + GAP;
        let right = WIDTH - MARGIN - widest(&mut bars().map(|bar| bar.label.as_str())) - GAP;
        let most =
            bars().map(|bar| bar.value.high).chain(self.beside.map(|(at, _)| at)).fold(f64::MIN_POSITIVE, f64::max);
        let at = |value: f64| left + (right - left) * value.max(0.0) / most;

        let mut drawn = String::new();
        let mut y = MARGIN + 14.0;
        text(&mut drawn, MARGIN, y, "title", &self.title);
        for line in &self.says {
            y += 19.0;
            text(&mut drawn, MARGIN, y, "says", line);
        }
        if let Some((value, name)) = self.beside {
            y += 24.0;
            text(&mut drawn, at(value).min(WIDTH - MARGIN - width(name, 14.0) / 2.0), y, "middle", name);
        }
        let top = y + 8.0;
        for group in &self.groups {
            y += 29.0;
            text(&mut drawn, MARGIN, y, "heading", &group.heading);
            y += 9.0;
            let first = y;
            for bar in &group.bars {
                draw_bar(&mut drawn, bar, left, y, &at);
                y += PITCH;
            }
            line(&mut drawn, "zero", left, first - 2.0, left, y - PITCH + BAR + 2.0);
            y -= PITCH - BAR;
        }
        if let Some((value, _)) = self.beside {
            // Behind the bars' labels, and from the name's foot to the last bar's.
            let mut behind = String::new();
            line(&mut behind, "beside", at(value), top, at(value), y + 4.0);
            drawn.insert_str(0, &behind);
        }
        let height = y + MARGIN;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" \
             viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-labelledby=\"title says\">\n\
             <title id=\"title\">{}</title>\n<desc id=\"says\">{}</desc>\n<style>{STYLE}</style>\n\
             <rect class=\"card\" x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" rx=\"6\"/>\n{drawn}</svg>\n",
            escaped(&self.title),
            escaped(&self.in_words()),
            WIDTH - 1.0,
            height - 1.0,
        )
    }

    /// The same for whoever does not see it.
    pub fn in_words(&self) -> String {
        let group = |group: &Group| {
            let bars: Vec<String> = group.bars.iter().map(|bar| format!("{} {}", bar.name, bar.label)).collect();
            format!("{}: {}", group.heading, bars.join(", "))
        };
        self.groups.iter().map(group).collect::<Vec<_>>().join("; ")
    }
}

fn draw_bar(drawn: &mut String, bar: &Bar, left: f64, y: f64, at: &impl Fn(f64) -> f64) {
    let (middle, foot) = (y + BAR / 2.0, y + BAR - 4.0);
    let Estimate { median, low, high } = bar.value;
    text(drawn, left - GAP, foot, "name", &bar.name);
    let _ = writeln!(
        drawn,
        "<rect class=\"{}\" x=\"{left:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{BAR}\"/>",
        bar.class,
        at(median) - left
    );
    let mut end = at(median);
    // Narrower than its own strokes it says nothing.
    if at(high) - at(low) > 3.0 {
        let (low, high) = (at(low), at(high));
        let (up, down) = (middle - 4.0, middle + 4.0);
        let _ = writeln!(
            drawn,
            "<path class=\"interval\" d=\"M{low:.1} {up:.1}V{down:.1}M{low:.1} {middle:.1}H{high:.1}M{high:.1} {up:.1}V{down:.1}\"/>"
        );
        end = end.max(high);
    }
    text(drawn, end + GAP, foot, "label", &bar.label);
}

fn text(drawn: &mut String, x: f64, y: f64, class: &str, text: &str) {
    let _ = writeln!(drawn, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>", escaped(text));
}

fn line(drawn: &mut String, class: &str, x1: f64, y1: f64, x2: f64, y2: f64) {
    let _ = writeln!(drawn, "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>");
}

/// How wide a text is at most, whatever the font.
pub fn width(text: &str, size: f64) -> f64 {
    text.chars().count() as f64 * size * 0.57
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(element: &str, name: &str) -> f64 {
        let value = element.split_once(&format!(" {name}=\"")).unwrap().1;
        value.split('"').next().unwrap().parse().unwrap()
    }

    fn bar(name: &str, median: f64, low: f64, high: f64) -> Bar {
        let value = Estimate { median, low, high };
        Bar { name: name.to_owned(), class: "first", value, label: format!("{median} <units>") }
    }

    #[test]
    fn a_bar_is_as_long_as_its_value_and_its_interval_lies_across_its_end() {
        let group = |bars| Group { heading: "some & more".to_owned(), bars };
        let groups = vec![group(vec![bar("one", 10.0, 10.0, 10.0), bar("two", 40.0, 20.0, 80.0)])];
        let beside = Some((20.0, "twenty"));
        let plot = Plot { name: "plot", title: "A plot".to_owned(), says: Vec::new(), groups, beside };
        let svg = plot.svg();
        let elements = |begins: &str| svg.lines().filter(|line| line.starts_with(begins)).collect::<Vec<_>>();
        let bars = elements("<rect class=\"first\"");
        let (left, one) = (attribute(bars[0], "x"), attribute(bars[0], "width"));
        assert!((attribute(bars[1], "width") - 4.0 * one).abs() < 0.2, "{svg}");
        // A value of which all rounds agree has no interval to show.
        let intervals = elements("<path");
        assert_eq!(intervals.len(), 1);
        let expected = [(left + 2.0 * one, "M"), (left + 8.0 * one, "H")];
        for (at, letter) in expected {
            let drawn: f64 = intervals[0]
                .split(letter)
                .nth(if letter == "M" { 2 } else { 1 })
                .unwrap()
                .split(['M', ' '])
                .next()
                .unwrap()
                .parse()
                .unwrap();
            assert!((drawn - at).abs() < 0.5, "{letter} {drawn} {at}");
        }
        let beside = elements("<line class=\"beside\"");
        assert!((attribute(beside[0], "x1") - (left + 2.0 * one)).abs() < 0.2);
        assert!(svg.contains(">some &amp; more</text>") && svg.contains(">40 &lt;units></text>"), "{svg}");
        assert!(svg.contains("one 10 &lt;units>, two 40 &lt;units></desc>"), "{svg}");
    }
}
