//! How does anybody see the trace of a program without changing it?
//!
//! By its environment: `SOCKLAB_TRACE=ladder` or `SOCKLAB_TRACE=json`, and `SOCKLAB_TRACE_FILE=path` to write to a file
//! instead of standard error. Standard output stays the program's own.

use super::{JsonLines, Ladder, Trace};
use std::env;
use std::fs::File;
use std::io::{self, Write};
use std::sync::OnceLock;

/// The trace that the environment asks for, the same for the whole process: the default of
/// [`Settings::trace`](crate::Settings::trace).
///
/// | `SOCKLAB_TRACE` | shows |
/// |---|---|
/// | not set, or empty | nothing |
/// | `ladder` | two columns for people |
/// | `json` | one JSON object a line |
///
/// They go to standard error, or to the file that `SOCKLAB_TRACE_FILE` names, which is created or emptied. A value that
/// is not known, or a file that cannot be created, is said once on standard error, and nothing is traced: a program is
/// not stopped by a typing error in its trace.
///
/// ```
/// let trace = socklab::trace::from_environment();
/// assert_eq!(format!("{trace:?}"), "Trace(off)"); // SOCKLAB_TRACE is not set in a doctest
/// ```
pub fn from_environment() -> Trace {
    static TRACE: OnceLock<Trace> = OnceLock::new();
    TRACE
        .get_or_init(|| {
            let wanted = env::var("SOCKLAB_TRACE").unwrap_or_default();
            build(&wanted, env::var_os("SOCKLAB_TRACE_FILE")).unwrap_or_else(|problem| {
                eprintln!("{problem}");
                Trace::off()
            })
        })
        .clone()
}

fn build(wanted: &str, file: Option<std::ffi::OsString>) -> Result<Trace, String> {
    let output = || -> Result<Box<dyn Write + Send>, String> {
        match &file {
            None => Ok(Box::new(io::stderr())),
            Some(path) => match File::create(path) {
                Ok(file) => Ok(Box::new(file)),
                Err(error) => Err(format!(
                    "SOCKLAB_TRACE_FILE={}: {error}; name a file in a folder that exists and that you may write to",
                    path.to_string_lossy()
                )),
            },
        }
    };
    match wanted {
        "" => Ok(Trace::off()),
        "ladder" => Ok(Trace::to(Ladder::new(output()?))),
        "json" => Ok(Trace::to(JsonLines::new(output()?))),
        other => Err(format!("SOCKLAB_TRACE={other} is not known: use SOCKLAB_TRACE=ladder or SOCKLAB_TRACE=json")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_says_what_would_be_right() {
        let problem = build("lader", None).unwrap_err();
        assert!(problem.contains("lader") && problem.contains("ladder") && problem.contains("json"), "{problem}");
    }

    #[test]
    fn a_file_that_cannot_be_created_is_named() {
        let problem = build("json", Some("/no/such/folder/trace.jsonl".into())).unwrap_err();
        assert!(problem.contains("/no/such/folder/trace.jsonl"), "{problem}");
    }
}
