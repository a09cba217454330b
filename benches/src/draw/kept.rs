//! What does the file say that a run has kept?
//!
//! A figure is asked for in words: `rate flight-32b socklab` is the rate of socklab in the workload `flight-32b`, the median
//! of its rounds. Two with `/` between them are compared round by round if they are of one workload, for those runs followed
//! each other; else median with median, and nothing is said about how sure that is but the widest. With `-` it is always the
//! medians, so that who subtracts what the text says finds the same.

use crate::statistics::{Estimate, estimate};
use serde_json::Value;

/// What `cargo bench -- --json PATH` wrote.
pub struct Kept(Value);

impl Kept {
    pub fn read(text: &str) -> Result<Kept, String> {
        serde_json::from_str(text).map(Kept).map_err(|error| format!("what was kept is not JSON: {error}"))
    }

    /// The machine, and how long each run took.
    pub fn says(&self, name: &str) -> Result<String, String> {
        match &self.0[name] {
            Value::String(text) => Ok(text.clone()),
            Value::Number(number) => Ok(number.to_string()),
            _ => Err(format!("nothing is kept about {name}")),
        }
    }

    /// Whether this contender took part in this workload.
    pub fn has(&self, workload: &str, contender: &str) -> bool {
        self.0["workloads"][workload][contender].as_array().is_some_and(|rounds| !rounds.is_empty())
    }

    /// How often each was measured.
    pub fn rounds(&self, workload: &str, contender: &str) -> usize {
        self.0["workloads"][workload][contender].as_array().map_or(0, Vec::len)
    }

    /// The value of `FIGURE WORKLOAD CONTENDER`, or of two such with `/` or `-` between them.
    pub fn value(&self, asked: &str) -> Result<Estimate, String> {
        let none = || format!("\"{asked}\" has no rounds");
        match asked.split_whitespace().collect::<Vec<_>>()[..] {
            [figure, workload, contender] => estimate(&self.all(figure, workload, contender)?).ok_or_else(none),
            [figure, workload, contender, sign @ ("/" | "-"), other_figure, other_workload, other_contender] => {
                let own = self.all(figure, workload, contender)?;
                let other = self.all(other_figure, other_workload, other_contender)?;
                let apply = |own: f64, other: f64| if sign == "/" { own / other } else { own - other };
                if workload == other_workload && sign == "/" {
                    if own.len() != other.len() {
                        return Err(format!("\"{asked}\": a round is missing, measure {workload} again"));
                    }
                    let pairs = own.iter().zip(&other).map(|(own, other)| own / other);
                    return estimate(&pairs.collect::<Vec<_>>()).ok_or_else(none);
                }
                let (own, other) = (estimate(&own).ok_or_else(none)?, estimate(&other).ok_or_else(none)?);
                let (median, low) = (apply(own.median, other.median), apply(own.low, other.high));
                Ok(Estimate { median, low, high: apply(own.high, other.low) })
            }
            _ => Err(format!("\"{asked}\" is neither FIGURE WORKLOAD CONTENDER nor two of these with / or - between")),
        }
    }

    /// A figure in all its rounds.
    fn all(&self, figure: &str, workload: &str, contender: &str) -> Result<Vec<f64>, String> {
        let rounds = self.0["workloads"][workload][contender].as_array();
        let rounds = rounds.ok_or_else(|| format!("{contender} was not measured in {workload}"))?;
        let values = rounds.iter().map(|round| round[figure].as_f64());
        values.collect::<Option<_>>().ok_or_else(|| format!("{contender} has no {figure} in {workload}"))
    }
}

/// A value in words, to the digits that it deserves: runs of one program differ by several per cent.
pub fn in_words(asked: &str, value: f64) -> String {
    let figure = asked.split_whitespace().next().unwrap_or_default();
    match figure {
        _ if asked.contains(" / ") => ratio(value),
        "us" | "server_us" | "p50" | "p99" if value >= 1000.0 => format!("{} ms", rounded(value / 1000.0, 2)),
        "us" | "server_us" | "p50" | "p99" => format!("{} µs", rounded(value, 2)),
        "slowest_ms" if value >= 1000.0 => format!("{} s", rounded(value / 1000.0, 2)),
        "slowest_ms" => format!("{} ms", rounded(value, 2)),
        "kib_per_client" => format!("{} KiB", rounded(value, if value >= 100.0 { 3 } else { 2 })),
        "mib_per_s" => format!("{} MiB/s", rounded(value, 2)),
        "gb_per_s" => format!("{} GB/s", rounded(value, 2)),
        "took" | "open_s" => format!("{} s", rounded(value, 2)),
        "rate" if value >= 1e6 => format!("{} million", rounded(value / 1e6, 2)),
        "rate" => rounded(value, 2),
        "repeated" => format!("{} waited", with_commas(value.round() as i64)),
        "refused" => format!("{} refused", with_commas(value.round() as i64)),
        _ => with_commas(value.round() as i64),
    }
}

fn ratio(value: f64) -> String {
    if value.abs() < 2.0 { format!("{value:.2}") } else { rounded(value, 2) }
}

/// So many digits count, the rest are zeros.
fn rounded(value: f64, digits: i32) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let places = digits - 1 - value.abs().log10().floor() as i32;
    if places > 0 {
        return format!("{value:.*}", places as usize);
    }
    let unit = 10_f64.powi(-places);
    with_commas(((value / unit).round() * unit).round() as i64)
}

fn with_commas(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    if value < 0 { format!("-{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEPT: &str = r#"{"machine": "two cores", "seconds": 1.0, "workloads": {
        "a": {"raw": [{"rate": 10.0}, {"rate": 20.0}, {"rate": 40.0}], "socklab": [{"rate": 9.0}, {"rate": 20.0}, {"rate": 20.0}]},
        "b": {"raw": [{"rate": 4.0}, {"rate": 6.0}], "socklab": [{"rate": 4.0}]}}}"#;

    #[test]
    fn rounds_of_one_workload_are_compared_in_pairs_and_others_by_their_medians() {
        let kept = Kept::read(KEPT).unwrap();
        let estimate = |median, low, high| Ok(Estimate { median, low, high });
        assert_eq!(kept.value("rate a raw"), estimate(20.0, 10.0, 40.0));
        assert_eq!(kept.value("rate a socklab / rate a raw"), estimate(0.9, 0.5, 1.0));
        assert_eq!(kept.value("rate a raw / rate b raw"), estimate(4.0, 10.0 / 6.0, 10.0));
        assert_eq!(kept.value("rate a raw - rate b raw"), estimate(15.0, 4.0, 36.0));
        assert_eq!(kept.value("rate a raw - rate a socklab"), estimate(0.0, -10.0, 31.0));
        for wrong in ["rate c raw", "rate a nobody", "speed a raw", "rate a", "rate b socklab / rate b raw", ""] {
            assert!(kept.value(wrong).is_err(), "{wrong}");
        }
        assert_eq!((kept.has("a", "raw"), kept.has("a", "nobody")), (true, false));
    }

    #[test]
    fn a_figure_has_the_digits_that_it_deserves() {
        let said = |asked, value| in_words(asked, value);
        assert_eq!(said("rate a raw", 95_442.9), "95,000");
        assert_eq!(said("rate a raw", 3_104_317.0), "3.1 million");
        assert_eq!(said("rate a raw", 61.7), "62");
        assert_eq!(said("server_us a raw", 0.1401), "0.14 µs");
        assert_eq!(said("p99 a raw", 11_303.0), "11 ms");
        assert_eq!(said("p99 a raw", 995.1), "1,000 µs");
        assert_eq!(said("kib_per_client a raw", 164.3), "164 KiB");
        assert_eq!(said("rate a raw / rate b raw", 0.9), "0.90");
        assert_eq!(said("rate a raw / rate b raw", 5.29), "5.3");
        assert_eq!(said("rate a raw / rate b raw", 27.4), "27");
        assert_eq!(said("repeated a raw", 1234.0), "1,234 waited");
        assert_eq!(said("refused a raw", 0.0), "0 refused");
        assert_eq!(said("threads a raw", 10_002.0), "10,002");
    }
}
