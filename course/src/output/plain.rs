//! What is different each time, and says nothing: ports, times, the numbers of threads.
//!
//! Two runs with the same seed read the same when these are replaced, so the book can show a run and be held to it.

/// Ports become 47000, 47001, ... in the order in which they appear, as wide as those they stand for; times become
/// `... s`; the number of a thread that panicked is left out.
///
/// ```
/// use lab::output::plain::masked;
/// assert_eq!(masked("the program is started, port 10412"), "the program is started, port 47000");
/// assert_eq!(masked("127.0.0.1:10412, not 127.0.0.1:40001."), "127.0.0.1:47000, not 127.0.0.1:47001.");
/// assert_eq!(masked("nothing for 0.7 s, 200 ms of 1024"), "nothing for ... s, ... ms of 1024");
/// assert_eq!(masked("thread 'main' (4711) panicked at a.rs:7:5:"), "thread 'main' panicked at a.rs:7:5:");
/// ```
pub fn masked(text: &str) -> String {
    let mut ports: Vec<&str> = Vec::new();
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|character: char| character.is_ascii_digit()) {
        result += &rest[..start];
        let from = &rest[start..];
        let end = from.find(|character: char| !character.is_ascii_digit() && character != '.').unwrap_or(from.len());
        // The dot at a sentence's end belongs to no number.
        let number = from[..end].trim_end_matches('.');
        rest = &from[number.len()..];
        if number.len() >= 4 && PORTS.iter().any(|words| result.ends_with(words)) {
            let place = ports.iter().position(|known| *known == number).unwrap_or(ports.len());
            if place == ports.len() {
                ports.push(number);
            }
            result += &(47_000 + place).to_string();
        } else if rest.starts_with(" ms") || number.contains('.') && rest.starts_with(" s") {
            result += "...";
        } else if result.ends_with("' (") && rest.starts_with(") panicked") {
            result.truncate(result.len() - " (".len());
            rest = &rest[")".len()..];
        } else {
            result += number;
        }
    }
    result + rest
}

/// What stands in front of one.
const PORTS: [&str; 4] = ["port ", "port: ", "127.0.0.1:", "localhost:"];
