//! How do the pages look to a reader with a phone, and to a class before a projector, by day and by night?
//!
//!     cargo test -p book --test browser -- --ignored
//!
//! Every page of the book and every slide is opened in Chromium, from the disk as a student does, in both colour schemes and
//! at both widths: nothing may reach out of the window sideways (what is wide scrolls by itself), the console may not
//! complain, and text must stand out from what is behind it. With `BOOK_PICTURES=FOLDER` it leaves pictures to look at.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../../../tests/support/mod.rs"]
mod browsing;
mod making;

use browsing::webdriver::{Browser, Theme, key};
use making::{made, pages};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The whole book on paper takes a quarter of a minute beside the other tests, and longer on a busy machine.
const TO_PRINT: Duration = Duration::from_secs(120);

const PHONE: (u32, u32) = (390, 844);
const PROJECTOR: (u32, u32) = (1280, 720);

/// What reaches out of the window, by how much, and the text with the least contrast.
const LOOK: &str = r#"
const root = document.documentElement;
const wide = [];
const over = root.scrollWidth - root.clientWidth;
if (over > 0) {
  for (const element of document.body.querySelectorAll("*")) {
    const box = element.getBoundingClientRect();
    if (box.right > root.clientWidth + 1 && box.width > 0) { wide.push(element.tagName + "." + element.className + " " + box.right); }
  }
}
const channel = (value) => (value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
const numbers = (colour) => (colour.match(/[\d.]+/g) || []).map(Number);
const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
function behind(element) {
  for (let at = element; at; at = at.parentElement) {
    const colour = numbers(getComputedStyle(at).backgroundColor);
    if (colour.length === 3 || colour[3] === 1) return colour;
  }
  return matchMedia("(prefers-color-scheme: dark)").matches ? [18, 18, 18] : [255, 255, 255];
}
let least = { ratio: 21 };
const seen = new Set();
for (const element of document.querySelectorAll("main p, main li, main td, main h1, main h2, main a, main pre code, main pre code span, section p, section li, section pre code, section h1, section a, body > pre i")) {
  if (!element.textContent.trim() || !element.getClientRects().length) continue;
  const style = getComputedStyle(element);
  const back = behind(element);
  const pair = style.color + back;
  if (seen.has(pair)) continue;
  seen.add(pair);
  const [one, two] = [light(numbers(style.color)), light(back)].sort((a, b) => b - a);
  const ratio = (one + 0.05) / (two + 0.05);
  // WCAG 2.1 section 1.4.3: 4.5, and 3 where letters are large.
  if (parseFloat(style.fontSize) >= 24 && ratio >= 3) continue;
  if (ratio < least.ratio) least = { ratio, of: element.tagName + "." + element.className, colour: style.color, back: String(back) };
}
return { over, wide: wide.slice(0, 5), least };
"#;

fn address(page: &Path) -> String {
    format!("file://{}", page.canonicalize().unwrap().display())
}

fn looked_at(browser: &Browser, page: &Path, told: &str, wrong: &mut Vec<String>) {
    let look = browser.run(LOOK);
    if look["over"].as_i64() != Some(0) {
        wrong.push(format!("{}, {told}: {} pixels too wide: {}", page.display(), look["over"], look["wide"]));
    }
    if look["least"]["ratio"].as_f64().is_none_or(|ratio| ratio < 4.5) {
        wrong.push(format!("{}, {told}: hard to read: {}", page.display(), look["least"]));
    }
    wrong.extend(browser.errors().into_iter().map(|error| format!("{}, {told}: {error}", page.display())));
}

/// A picture, if somebody wants to look.
fn picture(browser: &Browser, made: &Path, page: &Path, told: &str) {
    let Some(folder) = std::env::var_os("BOOK_PICTURES") else { return };
    let folder = PathBuf::from(folder);
    std::fs::create_dir_all(&folder).unwrap();
    let name = page.strip_prefix(made).unwrap().display().to_string().replace(['/', ' '], "-");
    browser.screenshot(&folder.join(format!("{name}-{told}.png")));
}

/// mdBook remembers a theme that was chosen; nobody has chosen one here, so that it follows the scheme.
#[test]
#[ignore = "needs Chromium: .ci/run installs it"]
fn every_page_fits_and_is_readable_on_a_phone_and_a_projector_by_day_and_by_night() {
    let made = made("browser");
    let browser = Browser::open();
    let mut wrong = Vec::new();
    for page in pages(made) {
        // It prints itself when it is opened, and is looked at below.
        if page.ends_with("print.html") {
            continue;
        }
        for (theme, name) in [(Theme::Light, "light"), (Theme::Dark, "dark")] {
            browser.theme(theme);
            browser.viewport(PHONE.0, PHONE.1);
            browser.visit(&address(&page));
            looked_at(&browser, &page, &format!("{name}, phone"), &mut wrong);
            picture(&browser, made, &page, &format!("{name}-phone"));
            browser.viewport(PROJECTOR.0, PROJECTOR.1);
            looked_at(&browser, &page, &format!("{name}, projector"), &mut wrong);
            picture(&browser, made, &page, &format!("{name}-projector"));
            let dark = browser.run("return matchMedia('(prefers-color-scheme: dark)').matches");
            assert_eq!(dark, Value::Bool(theme == Theme::Dark));
        }
    }
    assert!(wrong.is_empty(), "{} things:\n{}", wrong.len(), wrong.join("\n"));
}

/// Each element that can be scrolled sideways, whether its right side fades, and whether it still does at its end.
const FADES: &str = r#"
const told = [];
const fades = (element) => getComputedStyle(element).getPropertyValue("--goes-on") !== "0px";
const frame = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
const all = [...document.querySelectorAll("main pre > code, .table-wrapper, body > pre, section.now pre, section.now .wide")];
const wide = all.filter((element) => element.scrollWidth > element.clientWidth + 1);
for (const element of all) if (!wide.includes(element) && fades(element)) told.push("fades, and all of it is seen: " + element.textContent.slice(0, 60));
for (const element of wide) if (!fades(element)) told.push("goes on, and does not say so: " + element.textContent.slice(0, 60));
for (const element of wide) element.scrollLeft = element.scrollWidth;
await frame();
for (const element of wide) if (fades(element)) told.push("fades at its end: " + element.textContent.slice(0, 60));
return { wide: wide.length, told };
"#;

/// A phone shows no scroll bar until one scrolls, so that a ladder cut at the edge looked whole.
#[test]
#[ignore = "needs Chromium: .ci/run installs it"]
fn what_goes_on_at_the_right_says_so() {
    let made = made("browser");
    let browser = Browser::open();
    browser.viewport(PHONE.0, PHONE.1);
    let pages = [
        "units/01-first-client/unit.html",
        "wlanguage.html",
        "source/course/units/01-first-client/solution.rs.html",
        "slides/02-recorder.html#6",
    ];
    for page in pages {
        browser.visit(&format!("{}/{page}", address(made)));
        let told = browser.run(&format!("return (async () => {{ {FADES} }})()"));
        assert!(told["wide"].as_u64() > Some(0), "{page} has nothing that goes on: {told}");
        assert_eq!(told["told"], serde_json::json!([]), "{page}");
    }
}

/// On a phone the columns of a table are read one beside the other, as long as the words allow it.
#[test]
#[ignore = "needs Chromium: .ci/run installs it"]
fn a_long_name_does_not_push_its_sentence_out_of_a_phone() {
    let made = made("browser");
    let browser = Browser::open();
    browser.viewport(PHONE.0, PHONE.1);
    for page in ["reading-the-source.html", "units/05-word-server/hints.html", "lab-session.html"] {
        browser.visit(&address(&made.join(page)));
        let wide = browser.run(
            "return [...document.querySelectorAll('.table-wrapper')].map((it) => it.scrollWidth - it.clientWidth)",
        );
        let wide = wide.as_array().unwrap();
        assert!(!wide.is_empty() && wide.iter().all(|by| by.as_i64() <= Some(0)), "{page}: {wide:?} pixels too wide");
    }
    // Before a class the names stay whole, and leave a line's length to what is said about them.
    browser.viewport(PROJECTOR.0, PROJECTOR.1);
    browser.visit(&address(&made.join("wlanguage.html")));
    let least = browser
        .run("return Math.min(...[...document.querySelectorAll('td:nth-child(4)')].map((it) => it.clientWidth))");
    assert!(least.as_i64() > Some(150), "what is said about a function has {least} pixels");
    browser.visit(&address(&made.join("reading-the-source.html")));
    let names =
        browser.run("return [...document.querySelectorAll('td a')].filter((it) => it.offsetHeight > 30).length");
    assert_eq!(names, 0, "names of files are broken where there is room");
}

/// Arrow keys, the address of a slide, and each slide at both widths: what is too high scrolls, what is too wide does so by
/// itself.
#[test]
#[ignore = "needs Chromium: .ci/run installs it"]
fn slides_turn_by_keys_and_each_of_them_fits() {
    let made = made("browser");
    let browser = Browser::open();
    let mut wrong = Vec::new();
    for (path, _) in book::slides::all().unwrap() {
        let page = made.join(path);
        browser.theme(Theme::Light);
        browser.viewport(PROJECTOR.0, PROJECTOR.1);
        browser.visit(&address(&page));
        let count = browser.run("return document.querySelectorAll('section').length").as_u64().unwrap();
        let now = "[...document.querySelectorAll('section')].findIndex((slide) => slide.classList.contains('now'))";
        for number in 0..count {
            browser.wait_until("the next slide is shown", &format!("{now} === {number}"));
            for (theme, name) in [(Theme::Light, "light"), (Theme::Dark, "dark")] {
                browser.theme(theme);
                for (size, width) in [(PHONE, "phone"), (PROJECTOR, "projector")] {
                    browser.viewport(size.0, size.1);
                    looked_at(&browser, &page, &format!("slide {}, {name}, {width}", number + 1), &mut wrong);
                    picture(&browser, made, &page, &format!("{:02}-{name}-{width}", number + 1));
                }
            }
            // A lecturer does not scroll, and what is wider than the slide is a box that says so, not the slide.
            let wide = browser.run(
                "const slide = document.querySelector('section.now'); return slide.scrollWidth - slide.clientWidth",
            );
            if wide.as_i64() != Some(0) {
                wrong.push(format!("{}, slide {}: {wide} pixels too wide for a projector", page.display(), number + 1));
            }
            // Nor does a picture lose its last lines, which a box that scrolls sideways would hide without a word. The page
            // hears of its new size a moment later, and fits then.
            browser.wait_until(
                &format!("{}, slide {}, is not too high for a projector", page.display(), number + 1),
                "[...document.querySelectorAll('section.now, section.now pre')]
                     .every((box) => box.scrollHeight - box.clientHeight <= 1)",
            );
            browser.press(&[key::RIGHT]);
        }
        browser.wait_until("the last slide is the last", &format!("{now} === {}", count - 1));
        browser.press(&[key::LEFT]);
        browser.wait_until("the one before it", &format!("{now} === {}", count.saturating_sub(2)));
        browser.press(&[key::HOME]);
        browser.wait_until("the first", &format!("{now} === 0"));
        assert_eq!(browser.run("return location.hash"), "#1");
    }
    assert!(wrong.is_empty(), "{} things:\n{}", wrong.len(), wrong.join("\n"));
}

/// What comes out of the printer: a page for each slide, and no part of the book cut off at the side.
#[test]
#[ignore = "needs Chromium: .ci/run installs it"]
fn slides_and_book_print() {
    let made = made("browser");
    let browser = Browser::open();
    let sheets = |page: &Path| {
        browser.visit(&address(page));
        browser.cdp("Emulation.setEmulatedMedia", serde_json::json!({"media": "print"}));
        let paper = serde_json::json!({"preferCSSPageSize": true, "printBackground": true});
        let printed = browser.cdp_within(TO_PRINT, "Page.printToPDF", paper);
        browser.cdp("Emulation.setEmulatedMedia", serde_json::json!({"media": ""}));
        let data = printed["data"].as_str().unwrap().to_owned();
        let pdf = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, data).unwrap();
        if let Some(folder) = std::env::var_os("BOOK_PICTURES") {
            let name = page.strip_prefix(made).unwrap().display().to_string().replace('/', "-");
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(PathBuf::from(folder).join(format!("{name}.pdf")), &pdf).unwrap();
        }
        // PDF 1.7 section 7.7.3.3: each sheet is an object of this type.
        let text = String::from_utf8_lossy(&pdf).into_owned();
        text.matches("/Type /Page\n").count()
            + text.matches("/Type /Page ").count()
            + text.matches("/Type /Page/").count()
    };
    for (path, page) in book::slides::all().unwrap() {
        let slides = page.matches("<section>").count();
        let printed = sheets(&made.join(&path));
        assert!((slides..=slides + 2).contains(&printed), "{path}: {slides} slides on {printed} sheets");
    }
    let chapters = book::chapters::chapters().unwrap().pages().count();
    assert!(sheets(&made.join("print.html")) >= chapters, "each chapter begins a sheet");
}
