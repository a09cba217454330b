//! Does the runner still say what the lesson shows?
//!
//! A lesson shows a check's output in a block like this one, and says above it where it came from:
//!
//! ````text
//! <!-- output: cargo lab check 4 --seed 1 -- wrong/one-read-is-one-message -->
//! ```text
//! Unit 4, Delimiter framing: line chat
//! ...
//! ```
//! ````
//!
//! The program is the file of that name in the unit's folder, `.rs` left out; `solution` and `starter` are programs too. What
//! differs from run to run, ports and times, is replaced as `--plain` does. `cargo book refresh` compiles and runs each of them
//! and writes what came into the text; a test does the same and compares, so nobody can mend a ladder by hand, and nobody can
//! change a program or a probe and forget the lesson.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{fs, thread};

use lab::catalogue::Catalogue;
use lab::holes::{Language, starter};
use lab::output::plain::masked;
use lab::output::terminal::{self, Style};
use lab::program::Recipe;
use lab::run::{self, Options};
use lab::source;
use lab::units::Unit;

use crate::{Problem, places, tour};

const BEGIN: &str = "<!-- output: ";
const END: &str = " -->";
const FENCE: &str = "```";

/// Runs of the runner at the same time. Each waits most of its time.
const AT_ONCE: usize = 4;

/// What a block says that it shows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Asked {
    /// As it stands in the text.
    command: String,
    unit: u8,
    seed: u64,
    program: String,
}

/// Writes into each text what it shows of a run or of the source. The names of those that had drifted.
pub fn refresh() -> Result<Vec<String>, Problem> {
    let mut changed = Vec::new();
    for (name, text) in refreshed()? {
        if text != places::read(&name)? {
            fs::write(places::root().join(&name), text)?;
            changed.push(name);
        }
    }
    Ok(changed)
}

/// Every text of the course that shows such things, as it ought to be.
pub fn refreshed() -> Result<BTreeMap<String, String>, Problem> {
    let mut texts = BTreeMap::new();
    for name in places::files_below("course")? {
        if name.ends_with(".md") && name != "course/AUTHORING.md" {
            texts.insert(name.clone(), places::read(&name)?);
        }
    }
    let mut shown = BTreeMap::new();
    for (name, text) in &texts {
        let lines: Vec<&str> = text.lines().collect();
        for block in blocks(text).map_err(|problem| format!("{name}: {problem}"))? {
            shown.insert(block.asked, lines[block.lines.0..block.lines.1].join("\n") + "\n");
        }
    }
    let answers = answers(&shown.into_iter().collect::<Vec<_>>())?;
    for (name, text) in &mut texts {
        *text = filled(text, &answers).map_err(|problem| format!("{name}: {problem}"))?;
        *text = tour::with_questions(name, text)?;
    }
    Ok(texts)
}

struct Block {
    asked: Asked,
    /// The lines of the fence's content: the first, and the one behind the last.
    lines: (usize, usize),
}

fn blocks(text: &str) -> Result<Vec<Block>, String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut blocks = Vec::new();
    let mut index = 0;
    while index < lines.len() {
        let line = lines[index];
        index += 1;
        // One that is itself quoted, to say how it is written.
        if let Some(fence) = line.trim_start().strip_prefix(FENCE) {
            let ticks = FENCE.len() + fence.chars().take_while(|tick| *tick == '`').count();
            index += 1 + lines[index..]
                .iter()
                .position(|line| line.trim() == "`".repeat(ticks))
                .unwrap_or(lines.len() - index);
            continue;
        }
        let Some(command) = line.strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(END)) else { continue };
        let asked = Asked::parse(command).ok_or_else(|| {
            format!("{command:?} cannot be run again: write cargo lab check N --seed SEED -- PROGRAM, a file of the unit's folder")
        })?;
        if lines.get(index) != Some(&"```text") {
            return Err(format!("the line below {line:?} is not ```text"));
        }
        let first = index + 1;
        let length = lines[first..].iter().position(|line| *line == FENCE);
        let end = first + length.ok_or_else(|| format!("nothing ends the block below {line:?}"))?;
        blocks.push(Block { asked, lines: (first, end) });
        index = end + 1;
    }
    Ok(blocks)
}

fn filled(text: &str, answers: &BTreeMap<Asked, String>) -> Result<String, String> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let (mut made, mut done) = (String::new(), 0);
    for block in blocks(text)? {
        made += &lines[done..block.lines.0].concat();
        made += answers.get(&block.asked).ok_or_else(|| format!("{} was not run", block.asked.command))?;
        done = block.lines.1;
    }
    Ok(made + &lines[done..].concat())
}

impl Asked {
    fn parse(command: &str) -> Option<Self> {
        let (check, program) = command.split_once(" -- ")?;
        let mut words = check.strip_prefix("cargo lab check ")?.split_whitespace();
        let unit = words.next()?.parse().ok()?;
        let mut seed = 1;
        while let Some(word) = words.next() {
            match word {
                "--seed" => seed = words.next()?.parse().ok()?,
                "--plain" => {}
                _ => return None,
            }
        }
        let program = program.strip_suffix(" {port}").unwrap_or(program);
        // A file of the unit's folder, and not a command of the shell.
        let a_file =
            program.chars().all(|c| c.is_ascii_alphanumeric() || "/-_.".contains(c)) && !program.contains("..");
        a_file.then(|| Self { command: command.to_owned(), unit, seed, program: program.to_owned() })
    }

    /// On a busy machine a program may be ended before it has written why it failed. So what differs is asked again.
    fn compared(&self, shown: &str) -> Result<String, Problem> {
        let mut answer = self.answer()?;
        for _ in 0..2 {
            if answer != shown {
                answer = self.answer()?;
            }
        }
        Ok(answer)
    }

    fn answer(&self) -> Result<String, Problem> {
        let unit = Unit::find(self.unit).ok_or_else(|| format!("there is no unit {}", self.unit))?;
        let recipe = self.compiled(unit)?;
        let report = run::check(unit, &recipe, &Catalogue::load()?, &Options::seed(self.seed), |_, _| ());
        let told = masked(&terminal::text(&report, unit, Style::plain(), &self.command));
        Ok(told.lines().map(|line| line.trim_end().to_owned() + "\n").collect::<String>().trim_end().to_owned() + "\n")
    }

    fn compiled(&self, unit: &Unit) -> Result<Recipe, Problem> {
        let compiled = if self.program == "starter" {
            let solution = fs::read_to_string(unit.folder().join("solution.rs"))?;
            source::compile(Language::Rust, &starter(&solution, Language::Rust)?, "starter")?
        } else {
            let file = unit.folder().join(&self.program);
            source::compile_file(&if source::language(&file).is_some() { file } else { file.with_extension("rs") })?
        };
        compiled.map_err(|complaint| format!("it does not compile:\n{complaint}").into())
    }
}

/// What each command says today, beside what is shown of it.
fn answers(asked: &[(Asked, String)]) -> Result<BTreeMap<Asked, String>, Problem> {
    let next = AtomicUsize::new(0);
    let answers = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((one, shown)) = asked.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let answer = one.compared(shown).map_err(|problem| format!("{}: {problem}", one.command));
                    if let Ok(mut answers) = answers.lock() {
                        answers.push((one.clone(), answer));
                    }
                }
            });
        }
    });
    let answers = answers.into_inner().map_err(|_| "a run has panicked")?;
    answers.into_iter().map(|(one, answer)| Ok((one, answer?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "a\n\n<!-- output: cargo lab check 4 --seed 7 --plain -- wrong/one -->\n```text\nold\nolder\n```\n\nb\n";

    #[test]
    fn what_was_changed_by_hand_is_put_right_and_nothing_else_is() {
        let asked = blocks(TEXT).unwrap()[0].asked.clone();
        assert_eq!((asked.unit, asked.seed, asked.program.as_str()), (4, 7, "wrong/one"));
        let answers = BTreeMap::from([(asked, "new\n".to_owned())]);
        assert_eq!(filled(TEXT, &answers).unwrap(), TEXT.replace("old\nolder\n", "new\n"));
    }

    #[test]
    fn a_block_that_is_shown_as_an_example_is_not_run() {
        assert!(blocks(&format!("````text\n{TEXT}````\n")).unwrap().is_empty());
    }

    #[test]
    fn a_block_that_cannot_be_run_again_is_refused() {
        for (from, to) in
            [("cargo lab", "cargo run"), ("```text\n", "\n```text\n"), ("wrong/one", "wrong/$(one)"), ("```\n\nb", "b")]
        {
            assert!(blocks(&TEXT.replace(from, to)).is_err(), "{to}");
        }
    }
}
