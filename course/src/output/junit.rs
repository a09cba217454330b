//! JUnit's XML, which build servers read: one suite for each unit, one case for each probe.

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use std::io;

use super::in_words;
use crate::report::{Answer, Outcome, Report};

/// # Errors
///
/// None that memory does not cause: it is written into memory.
pub fn text(reports: &[Report]) -> io::Result<String> {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    writer
        .create_element("testsuites")
        .write_inner_content(|writer| reports.iter().try_for_each(|report| suite(writer, report)))?;
    String::from_utf8(writer.into_inner()).map_err(io::Error::other)
}

fn suite(writer: &mut Writer<Vec<u8>>, report: &Report) -> io::Result<()> {
    let count = |outcome| report.answers.iter().filter(|answer| answer.outcome == outcome).count().to_string();
    writer
        .create_element("testsuite")
        .with_attributes([
            ("name", report.label.as_str()),
            ("tests", report.answers.len().to_string().as_str()),
            ("failures", count(Outcome::Failed).as_str()),
            ("errors", "0"),
            ("skipped", count(Outcome::NotAsked).as_str()),
            ("time", seconds(report.seconds).as_str()),
        ])
        .write_inner_content(|writer| {
            writer.create_element("properties").write_inner_content(|writer| {
                property(writer, "seed", &report.seed.to_string())?;
                property(writer, "points", &format!("{} of {}", report.points, report.out_of))
            })?;
            report.answers.iter().try_for_each(|answer| case(writer, report, answer))
        })?;
    Ok(())
}

fn property(writer: &mut Writer<Vec<u8>>, name: &str, value: &str) -> io::Result<()> {
    writer.create_element("property").with_attributes([("name", name), ("value", value)]).write_empty()?;
    Ok(())
}

fn case(writer: &mut Writer<Vec<u8>>, report: &Report, answer: &Answer) -> io::Result<()> {
    let time = seconds(answer.seconds);
    let attributes = [("name", answer.name.as_str()), ("classname", report.label.as_str()), ("time", time.as_str())];
    let element = writer.create_element("testcase").with_attributes(attributes);
    match (&answer.outcome, &answer.diagnosis) {
        (Outcome::Failed, Some(diagnosis)) => {
            element.write_inner_content(|writer| {
                let told = [("message", diagnosis.title.as_str()), ("type", diagnosis.mistake.as_str())];
                let words = allowed(&in_words(answer));
                writer.create_element("failure").with_attributes(told).write_text_content(BytesText::new(&words))?;
                Ok(())
            })?;
        }
        (Outcome::NotAsked, _) => {
            element.write_inner_content(|writer| writer.create_element("skipped").write_empty().map(|_| ()))?;
        }
        _ => {
            element.write_empty()?;
        }
    }
    Ok(())
}

fn seconds(seconds: f64) -> String {
    format!("{seconds:.3}")
}

/// XML 1.0 section 2.2 has no way to write most control characters, and a program may complain in any.
fn allowed(text: &str) -> String {
    let fits = |character: char| matches!(character, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    text.chars().map(|character| if fits(character) { character } else { '\u{fffd}' }).collect()
}
