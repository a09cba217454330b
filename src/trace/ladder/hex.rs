//! How are bytes shown so that a reader sees both what they are and what they say?
//!
//! As `hexdump` does it: the numbers on the left, and on the right the characters of those that are printable ASCII.
//! Everything else is a middle dot, UTF-8 too: in a column of bytes a letter of two bytes has no honest place.
//!
//! # In production
//!
//! `xxd`, `hexdump -C`, and Wireshark's third pane, which marks the bytes of the field that you click on.

/// Bytes in one row: 8 leave room for two columns on a projector.
const ROW: usize = 8;
/// A message of up to three rows is shown whole, for a row "… 4 more" would take as much room as the four.
const WHOLE: usize = 3 * ROW;
/// Of a longer one, two rows.
const BEGINNING: usize = 2 * ROW;

/// The rows of a hexdump: all of `bytes` if they are few, else their beginning and how many there are more.
pub(super) fn dump(bytes: &[u8]) -> Vec<String> {
    let shown = if bytes.len() <= WHOLE { bytes.len() } else { BEGINNING };
    let mut rows: Vec<String> = bytes[..shown].chunks(ROW).map(row).collect();
    if shown < bytes.len() {
        rows.push(format!("… {} more", grouped((bytes.len() - shown) as u64)));
    }
    rows
}

fn row(bytes: &[u8]) -> String {
    let text: String = bytes
        .iter()
        .map(|byte| if byte.is_ascii_graphic() || *byte == b' ' { char::from(*byte) } else { '·' })
        .collect();
    format!("{:<width$}  {text}", digits(bytes), width = ROW * 3 - 1)
}

/// Bytes as pairs of digits with spaces between them.
pub(super) fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

/// A number with its thousands apart: `4 080`. A space, not a comma, which means something else in half of Europe.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

/// `1 byte`, `4 096 bytes`.
pub(super) fn counted(bytes: u64) -> String {
    if bytes == 1 { "1 byte".to_string() } else { format!("{} bytes", grouped(bytes)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_bytes_are_shown_whole() {
        assert_eq!(dump(b""), Vec::<String>::new());
        assert_eq!(dump(b"Hi\r\n"), ["48 69 0d 0a              Hi··"]);
        assert_eq!(dump(b"Hello, world"), ["48 65 6c 6c 6f 2c 20 77  Hello, w", "6f 72 6c 64              orld"]);
        assert_eq!(dump(&[0xc3; WHOLE]).len(), 3);
    }

    #[test]
    fn long_bytes_say_how_many_are_missing() {
        assert_eq!(dump(&[b'a'; WHOLE + 1]).last().unwrap(), "… 9 more");
        assert_eq!(dump(&[b'a'; 4096]).last().unwrap(), "… 4 080 more");
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!([grouped(0), grouped(999), grouped(1000), grouped(1_234_567)], ["0", "999", "1 000", "1 234 567"]);
        assert_eq!([counted(0), counted(1), counted(65_536)], ["0 bytes", "1 byte", "65 536 bytes"]);
    }
}
