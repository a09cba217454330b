//! How do the figures come into the lesson's text?
//!
//! Nobody types one. The text says in a comment of HTML, which no reader sees, which figure it means, and between that
//! comment and the next empty one stands what was measured:
//!
//! ```text
//! a system call takes <!--= us costs system-call -->0.17 µs<!----> here
//! ```
//!
//! After `table` come figures, workloads and contenders, each list with commas, and the table is made of them:
//! `<!--= table p50,p99 echo-32b-1,echo-32b-16 raw,socklab -->`. `says machine` is what the run noted about the machine.
//! Drawing again replaces all of it; a test does the same and compares.

use super::kept::{Kept, in_words};
use super::plots::shown;

const BEGIN: &str = "<!--= ";
const ASKED: &str = " -->";
const END: &str = "<!---->";

/// The same text with today's figures.
pub fn filled(text: &str, kept: &Kept) -> Result<String, String> {
    let mut made = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(BEGIN) {
        let (asked, after) = after.split_once(ASKED).ok_or("a mark in the lesson has no end")?;
        let (old, after) = after.split_once(END).ok_or_else(|| format!("nothing ends \"{asked}\" in the lesson"))?;
        if old.contains(BEGIN) {
            return Err(format!("nothing ends \"{asked}\" in the lesson"));
        }
        made += &[before, BEGIN, asked, ASKED, &answer(asked, kept)?, END].concat();
        rest = after;
    }
    Ok(made + rest)
}

fn answer(asked: &str, kept: &Kept) -> Result<String, String> {
    match asked.split_whitespace().collect::<Vec<_>>()[..] {
        ["table", figures, workloads, contenders] => table(figures, workloads, contenders, kept),
        ["says", name] => kept.says(name),
        _ => Ok(in_words(asked, kept.value(asked)?.median)),
    }
}

/// A row for each workload, a column for each contender, and in a cell all figures.
fn table(figures: &str, workloads: &str, contenders: &str, kept: &Kept) -> Result<String, String> {
    let names: Vec<&str> = contenders.split(',').map(|contender| shown(contender).0).collect();
    let mut made = format!("\n\n| | {} |\n|---|{}\n", names.join(" | "), "---|".repeat(names.len()));
    for workload in workloads.split(',') {
        let cells = contenders.split(',').map(|contender| {
            let said = figures.split(',').map(|figure| {
                let asked = format!("{figure} {workload} {contender}");
                Ok(in_words(&asked, kept.value(&asked)?.median))
            });
            // A comma stands in a number of thousands.
            Ok(said.collect::<Result<Vec<_>, String>>()?.join("; "))
        });
        let cells = cells.collect::<Result<Vec<_>, String>>()?;
        made += &format!("| {} | {} |\n", in_full(workload), cells.join(" | "));
    }
    Ok(made + "\n")
}

/// A workload's name for a reader: `tls-echo-32b-16` is "TLS, 32 B, 16 clients".
fn in_full(workload: &str) -> String {
    let part = |part: &str| match part {
        "tls" => "TLS".to_owned(),
        "echo" => "one at a time".to_owned(),
        "flight" if workload.starts_with("broadcast") => "16 together".to_owned(),
        "flight" => "64 in flight, 4 clients".to_owned(),
        "bulk" => "1 client".to_owned(),
        "two" => "two under way".to_owned(),
        "32b" => "32 B".to_owned(),
        "1k" => "1 KiB".to_owned(),
        "64k" => "64 KiB".to_owned(),
        "1m" => "1 MiB".to_owned(),
        "16m" => "16 MiB".to_owned(),
        "1" => "1 client".to_owned(),
        "1000" => "1,000 clients".to_owned(),
        "10000" => "10,000 clients".to_owned(),
        number if number.parse::<u32>().is_ok() => format!("{number} clients"),
        other => other.to_owned(),
    };
    workload.split('-').map(part).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEPT: &str = r#"{"machine": "two cores", "seconds": 1.0, "workloads": {
        "echo-32b-1": {"raw": [{"p50": 20.0, "p99": 40.0}], "socklab": [{"p50": 30.0, "p99": 1500.0}]}}}"#;

    #[test]
    fn each_mark_gets_what_it_asks_for_and_the_rest_stays() {
        let kept = Kept::read(KEPT).unwrap();
        let text = "On <!--= says machine -->old<!----> half wait <!--= p50 echo-32b-1 raw --><!---->.\n\
                    <!--= table p50,p99 echo-32b-1 raw,socklab -->anything<!---->\nend";
        let made = filled(text, &kept).unwrap();
        let table = "\n\n| | raw loop | socklab |\n|---|---|---|\n\
                     | one at a time, 32 B, 1 client | 20 µs; 40 µs | 30 µs; 1.5 ms |\n\n";
        assert_eq!(
            made,
            format!(
                "On <!--= says machine -->two cores<!----> half wait <!--= p50 echo-32b-1 raw -->20 µs<!---->.\n\
                 <!--= table p50,p99 echo-32b-1 raw,socklab -->{table}<!---->\nend"
            )
        );
        assert_eq!(filled(&made, &kept).unwrap(), made, "a second time nothing changes");
    }

    #[test]
    fn what_was_not_measured_or_is_not_ended_is_an_error() {
        let kept = Kept::read(KEPT).unwrap();
        let wrong = [
            "<!--= p50 echo-32b-16 raw --><!---->",
            "<!--= p50 echo-32b-1 raw -->20 µs",
            "<!--= p50 echo-32b-1 raw -->20 µs <!--= p99 echo-32b-1 raw -->40 µs<!---->",
            "<!--= says weather --><!---->",
            "<!--= p50 echo",
        ];
        for text in wrong {
            assert!(filled(text, &kept).is_err(), "{text}");
        }
    }
}
