//! placeholder
use super::{Observer, Step};
use std::io::Write;
use std::sync::Mutex;
/// JSON lines.
pub struct JsonLines(Mutex<Box<dyn Write + Send>>);
impl JsonLines {
    /// Writes to `output`.
    pub fn new(output: impl Write + Send + 'static) -> JsonLines {
        JsonLines(Mutex::new(Box::new(output)))
    }
}
impl Observer for JsonLines {
    fn observe(&self, step: &Step<'_>) {
        if let Ok(mut output) = self.0.lock() {
            let _ = writeln!(output, "{step:?}");
        }
    }
}
