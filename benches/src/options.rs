//! What can `cargo bench` be asked?

use std::path::PathBuf;

pub const USAGE: &str =
    "cargo bench -- [--list] [--only NAME]... [--rounds N] [--seconds S] [--again N] [--quick] [--json PATH] | --draw PATH
  --list       says what there is to measure, and measures nothing
  --only NAME  only the workloads whose names begin so; may be given more than once
  --rounds N   how often each is measured, 5 by itself
  --seconds S  how long each run measures, 1 by itself
  --again N    a run beside which others took over a tenth of a core is repeated, up to N times, and the quietest
               counts; 0 by itself
  --quick      one short round of everything: shows that it runs, and nothing about speed
  --json PATH  where the figures are kept, from the top of the repository; target/bench/latest.json by itself
  --draw PATH  measures nothing: draws the plots of what such a file holds, beside it, and fills in the figures of the
               lesson.md that lies there";

pub struct Options {
    pub list: bool,
    pub quick: bool,
    pub only: Vec<String>,
    pub rounds: usize,
    pub seconds: f64,
    pub again: usize,
    pub json: Option<PathBuf>,
    pub draw: Option<PathBuf>,
}

/// Reads the command line. `None`: help was asked for.
pub fn read() -> Result<Option<Options>, lexopt::Error> {
    parse(lexopt::Parser::from_env())
}

fn parse(mut parser: lexopt::Parser) -> Result<Option<Options>, lexopt::Error> {
    use lexopt::ValueExt;
    let mut options = Options {
        list: false,
        quick: false,
        only: Vec::new(),
        rounds: 0,
        seconds: 0.0,
        again: 0,
        json: None,
        draw: None,
    };
    while let Some(argument) = parser.next()? {
        match argument {
            // Cargo says this to every benchmark.
            lexopt::Arg::Long("bench") => {}
            lexopt::Arg::Long("help") | lexopt::Arg::Short('h') => return Ok(None),
            lexopt::Arg::Long("list") => options.list = true,
            lexopt::Arg::Long("quick") => options.quick = true,
            lexopt::Arg::Long("only") => options.only.push(parser.value()?.string()?),
            lexopt::Arg::Long("rounds") => options.rounds = parser.value()?.parse()?,
            lexopt::Arg::Long("seconds") => {
                options.seconds = parser.value()?.parse_with(|text| {
                    let seconds: f64 = text.parse().map_err(|_| "not a number")?;
                    if (0.01..=600.0).contains(&seconds) { Ok(seconds) } else { Err("not from 0.01 to 600") }
                })?;
            }
            lexopt::Arg::Long("again") => options.again = parser.value()?.parse()?,
            lexopt::Arg::Long("json") => options.json = Some(parser.value()?.into()),
            lexopt::Arg::Long("draw") => options.draw = Some(parser.value()?.into()),
            other => return Err(other.unexpected()),
        }
    }
    if options.rounds == 0 {
        options.rounds = if options.quick { 1 } else { 5 };
    }
    if options.seconds == 0.0 {
        options.seconds = if options.quick { 0.05 } else { 1.0 };
    }
    Ok(Some(options))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_has_a_default() {
        let given = |words: &[&str]| parse(lexopt::Parser::from_args(words));
        let options = given(&["--bench", "--only", "echo", "--only=bulk"]).unwrap().unwrap();
        assert_eq!((options.rounds, options.seconds, options.only.len()), (5, 1.0, 2));
        let options = given(&["--quick", "--rounds", "3"]).unwrap().unwrap();
        assert_eq!((options.rounds, options.quick), (3, true));
        assert!(given(&["--help"]).unwrap().is_none());
        assert!(given(&["--fast"]).is_err());
        assert!(given(&["--seconds", "nan"]).is_err());
    }
}
