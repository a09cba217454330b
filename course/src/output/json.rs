//! The model as it is, for a program of the lecturer's own.

use crate::report::Report;

/// An object for one unit, or a list for several.
pub fn text(reports: &[Report]) -> String {
    let value = match reports {
        [one] => serde_json::to_string_pretty(one),
        several => serde_json::to_string_pretty(several),
    };
    // A report is numbers and text: there is nothing in it that JSON cannot say.
    value.unwrap_or_default()
}
