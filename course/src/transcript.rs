//! What crossed the wire, and how is it drawn?
//!
//! As a ladder: two columns, the check on the left and the program on the right, one row for each thing that happened, in
//! the order in which it happened. Bytes are shown escaped, because the mistakes live in the bytes that a terminal does
//! not show.
//!
//! # In production
//!
//! One captures the wire itself (tcpdump, Wireshark), below both programs. This ladder knows what the check did, which a
//! capture does not: that a piece was held back until the one before it had been taken.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One row of the ladder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    /// From the check to the program, over the connection of that name.
    Sent { peer: String, bytes: Vec<u8> },
    /// From the program to the check.
    Came { peer: String, bytes: Vec<u8> },
    /// Something that the check did: connect, stop sending, reset.
    Did(String),
    /// Something that the program did, beside sending.
    Happened(String),
}

/// A connection's name, and what was sent over it in one write.
pub type Sent = (String, Vec<u8>);

/// Shared by all connections of one probe.
#[derive(Debug, Clone, Default)]
pub struct Transcript(Arc<Mutex<Vec<Row>>>);

impl Transcript {
    fn rows(&self) -> MutexGuard<'_, Vec<Row>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn sent(&self, peer: &str, bytes: &[u8]) {
        self.rows().push(Row::Sent { peer: peer.to_owned(), bytes: bytes.to_vec() });
    }

    /// What comes in two reads of ours is one row: where our reads cut says nothing about the program.
    pub fn came(&self, peer: &str, more: &[u8]) {
        let mut rows = self.rows();
        if let Some(Row::Came { peer: before, bytes }) = rows.last_mut() {
            if before == peer {
                bytes.extend_from_slice(more);
                return;
            }
        }
        rows.push(Row::Came { peer: peer.to_owned(), bytes: more.to_vec() });
    }

    /// A line of standard output is a row of its own: the program prints by lines, and each says something.
    pub fn printed(&self, line: &[u8]) {
        let bytes = [line, b"\n"].concat();
        self.rows().push(Row::Came { peer: "standard output".to_owned(), bytes });
    }

    pub fn did(&self, what: impl Into<String>) {
        self.rows().push(Row::Did(what.into()));
    }

    pub fn happened(&self, what: impl Into<String>) {
        self.rows().push(Row::Happened(what.into()));
    }

    /// Whether the program has sent a single byte.
    pub fn anything_came(&self) -> bool {
        self.rows().iter().any(|row| matches!(row, Row::Came { .. }))
    }

    /// What the program was given last, for "it went silent after ...". What was typed is not what was sent to it: a
    /// client has yet to send it on.
    pub fn last_sent(&self) -> Option<String> {
        self.rows().iter().rev().find_map(|row| match row {
            Row::Sent { peer, bytes } if peer == "standard input" => Some(format!("{} was typed", shown(bytes))),
            Row::Sent { bytes, .. } => Some(shown(bytes)),
            _ => None,
        })
    }

    /// Begins anew: what happened until now is in no report.
    pub(crate) fn forget(&self) {
        self.rows().clear();
    }

    /// What was sent, in order, with the name of its connection: a seed decides it.
    pub fn all_sent(&self) -> Vec<Sent> {
        let sent = |row: &Row| match row {
            Row::Sent { peer, bytes } => Some((peer.clone(), bytes.clone())),
            _ => None,
        };
        self.rows().iter().filter_map(sent).collect()
    }

    /// The ladder, as text for a file, the book and a screen reader.
    pub fn ladder(&self) -> String {
        self.ladder_within(COLUMNS)
    }

    /// The same for a terminal of so many columns. A row that does not fit keeps its arrow, and runs over.
    pub fn ladder_within(&self, columns: usize) -> String {
        let width = columns.clamp(40, COLUMNS) - PROGRAM;
        let mut text = format!("{:<width$}{:>PROGRAM$}\n{}\n", "check", "program", "-".repeat(width + PROGRAM));
        for row in self.rows().iter() {
            match row {
                Row::Sent { peer, bytes } => arrow_right(&mut text, width, &format!("{peer}: {}", shown(bytes))),
                Row::Did(what) => arrow_right(&mut text, width, what),
                Row::Came { peer, bytes } => arrow_left(&mut text, width, &format!("{peer}: {}", shown(bytes))),
                Row::Happened(what) => {
                    let _ = writeln!(text, "{:>1$}", what, width + PROGRAM);
                }
            }
        }
        text
    }
}

/// A row at most: a projector's or a terminal's. The last of them are for the word "program", beyond the arrows' heads.
pub const COLUMNS: usize = 92;
const PROGRAM: usize = 8;

fn arrow_right(text: &mut String, width: usize, what: &str) {
    let line = "-".repeat(width.saturating_sub(what.chars().count() + 2).max(1));
    let _ = writeln!(text, "{what} {line}>");
}

fn arrow_left(text: &mut String, width: usize, what: &str) {
    let line = "-".repeat(width.saturating_sub(what.chars().count() + 2).max(1));
    let _ = writeln!(text, "<{line} {what}");
}

/// More than this many bytes are cut in the middle.
const SHOWN: usize = 48;

/// Bytes as a student reads them: text as text, everything else escaped, with the count when the middle was left out.
///
/// ```
/// use lab::transcript::shown;
/// assert_eq!(shown(b"hel\r\n"), r#""hel\r\n""#);
/// assert_eq!(shown(&[0xC3]), r#""\xc3""#);
/// assert_eq!(shown(&[b'a'; 1026]), r#""aaaaaaaaaaaaaaaaaaaaaaaa ... aaaaaaaaaaaaaaaaaaaaaaaa" (1026 bytes)"#);
/// ```
pub fn shown(bytes: &[u8]) -> String {
    if bytes.len() <= SHOWN {
        return format!("\"{}\"", escaped(bytes));
    }
    let (head, tail) = (&bytes[..SHOWN / 2], &bytes[bytes.len() - SHOWN / 2..]);
    format!("\"{} ... {}\" ({} bytes)", escaped(head), escaped(tail), bytes.len())
}

fn escaped(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\n' => text.push_str("\\n"),
                '\r' => text.push_str("\\r"),
                '\t' => text.push_str("\\t"),
                '"' | '\\' => text.extend(['\\', character]),
                other if other.is_ascii_control() => {
                    let _ = write!(text, "\\x{:02x}", other as u32);
                }
                other if other.is_control() => text.extend(other.escape_default()),
                other => text.push(other),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_reads_of_ours_are_one_row() {
        let transcript = Transcript::default();
        transcript.came("Anna", b"hel");
        transcript.came("Anna", b"lo\n");
        transcript.came("Berta", b"hello\n");
        let ladder = transcript.ladder();
        assert!(ladder.contains(r#"Anna: "hello\n""#), "{ladder}");
        assert_eq!(ladder.lines().count(), 4, "{ladder}");
    }

    #[test]
    fn what_was_typed_is_not_called_sent() {
        let transcript = Transcript::default();
        transcript.sent("standard input", b"hello\n");
        assert_eq!(transcript.last_sent().unwrap(), r#""hello\n" was typed"#);
        transcript.sent("server", b"hello\n");
        assert_eq!(transcript.last_sent().unwrap(), r#""hello\n""#);
    }

    #[test]
    fn the_middle_is_cut_and_the_line_stays_within_its_column() {
        let transcript = Transcript::default();
        transcript.sent("Anna", &[0; 4000]);
        assert!(transcript.ladder().contains("(4000 bytes)"));
        transcript.sent("Anna", &[b'a'; 4000]);
        let ladder = transcript.ladder();
        assert!(ladder.lines().last().unwrap().chars().count() <= COLUMNS - PROGRAM, "{ladder}");
    }

    #[test]
    fn a_narrow_terminal_has_a_narrow_ladder() {
        let transcript = Transcript::default();
        transcript.sent("Anna", b"hello\n");
        transcript.came("Berta", b"1: hello\n");
        transcript.happened("ends");
        let ladder = transcript.ladder_within(50);
        assert!(ladder.lines().all(|row| row.chars().count() <= 50), "{ladder}");
        assert!(ladder.contains(r#"Anna: "hello\n" --"#) && ladder.contains(r#"-- Berta: "1: hello\n""#), "{ladder}");
    }
}
