//! placeholder
use super::{Observer, Step};
use std::io::Write;
use std::sync::Mutex;
/// The ladder.
pub struct Ladder(Mutex<Box<dyn Write + Send>>);
impl Ladder {
    /// Writes to `output`.
    pub fn new(output: impl Write + Send + 'static) -> Ladder {
        Ladder(Mutex::new(Box::new(output)))
    }
}
impl Observer for Ladder {
    fn observe(&self, step: &Step<'_>) {
        if let Ok(mut output) = self.0.lock() {
            let _ = writeln!(output, "{step:?}");
        }
    }
}
