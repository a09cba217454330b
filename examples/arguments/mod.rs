//! What the examples read from their command line, and how they say that something went wrong.

use socklab::{ClientTls, Identity, Roots, ServerTls};
use std::fmt;
use std::path::Path;
use std::process::exit;
use std::time::Duration;

/// The options and the other words of a command line.
#[allow(dead_code)] // Each example uses the part that it needs.
pub struct Arguments {
    options: Vec<(String, String)>,
    pub words: Vec<String>,
}

#[allow(dead_code)]
impl Arguments {
    /// Reads the command line. `known` names the options that take a value. A mistake, or `--help`, prints the usage
    /// and ends the program.
    pub fn read(usage: &str, known: &[&str]) -> Arguments {
        Arguments::parse(known).unwrap_or_else(|problem| match problem {
            None => {
                println!("{usage}");
                exit(0)
            }
            Some(problem) => {
                eprintln!("{problem}\n\n{usage}");
                exit(2)
            }
        })
    }

    fn parse(known: &[&str]) -> Result<Arguments, Option<String>> {
        let mut arguments = Arguments { options: Vec::new(), words: Vec::new() };
        let mut parser = lexopt::Parser::from_env();
        let explain = |error: lexopt::Error| Some(error.to_string());
        while let Some(argument) = parser.next().map_err(explain)? {
            match argument {
                lexopt::Arg::Long("help") | lexopt::Arg::Short('h') => return Err(None),
                lexopt::Arg::Long(name) if known.contains(&name) => {
                    let name = name.to_owned();
                    let value = parser.value().map_err(explain)?;
                    arguments.options.push((name, value.to_string_lossy().into_owned()));
                }
                lexopt::Arg::Value(word) => arguments.words.push(word.to_string_lossy().into_owned()),
                other => return Err(explain(other.unexpected())),
            }
        }
        Ok(arguments)
    }

    /// The value of an option, or what holds without it.
    pub fn option(&self, name: &str, default: &str) -> String {
        self.given(name).unwrap_or(default).to_owned()
    }

    /// The value of an option, if it was given.
    pub fn given(&self, name: &str) -> Option<&str> {
        self.options.iter().rev().find(|(option, _)| option == name).map(|(_, value)| value.as_str())
    }

    /// The address of a program that listens.
    pub fn listen(&self, default: &str) -> String {
        self.option("listen", default)
    }

    /// A time limit, in seconds: `--limit 0.5`. Zero is none that one could keep, and not "for ever".
    pub fn limit(&self, default: &str) -> Result<Duration, Failure> {
        let given = self.option("limit", default);
        let limit = given.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let limit = limit.filter(|limit| !limit.is_zero());
        limit.ok_or_else(|| format!("--limit {given} is not a number of seconds above 0").into())
    }

    /// How a program that listens shows who it is: `--tls DIR`, a folder that `cargo run -p authority -- DIR` has filled.
    /// Without it, nothing is encrypted.
    pub fn server_tls(&self) -> Result<Option<ServerTls>, Failure> {
        let Some(folder) = self.given("tls") else { return Ok(None) };
        let [certificate, key] = ["server.pem", "server-key.pem"].map(|file| Path::new(folder).join(file));
        let identity = Identity::from_files(certificate, key);
        let identity = identity.map_err(|error| {
            format!("--tls {folder}: {error}\nThis makes the files: cargo run -p authority -- {folder}")
        })?;
        Ok(Some(ServerTls::new(&identity)))
    }

    /// Whom a client believes: `--root FILE`, the root of the class's authority. Without it, whom browsers believe.
    pub fn client_tls(&self) -> Result<Option<ClientTls>, Failure> {
        let Some(file) = self.given("root") else { return Ok(None) };
        let roots = Roots::from_file(file).map_err(|error| format!("--root {file}: {error}"))?;
        Ok(Some(ClientTls::trusting(&roots)))
    }

    /// The only word that a program wants.
    pub fn only_word(&self, usage: &str) -> String {
        match &self.words[..] {
            [word] => word.clone(),
            words => {
                eprintln!("one argument is needed, and {} were given\n\n{usage}", words.len());
                exit(2)
            }
        }
    }
}

/// Any error, shown as the sentence that it is: `fn main() -> Result<(), Failure>` would otherwise print the fields of
/// a struct.
pub struct Failure(Box<dyn std::error::Error>);

impl<E: Into<Box<dyn std::error::Error>>> From<E> for Failure {
    fn from(error: E) -> Failure {
        Failure(error.into())
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)
    }
}
