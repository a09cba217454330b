//! How sure is a median of five?
//!
//! Runs of the same program differ by several per cent on a machine that others use, so one ratio says little. Each round
//! gives one ratio, of runs that followed each other closely. Their median is the figure. Its interval comes from the ranks
//! alone: the true median lies below all of five values, or above all, with a chance of 1 in 32 each, whatever their
//! distribution. So the smallest and the largest of five hold it between them with 94 %. With more rounds the interval moves
//! inwards as far as it still holds the true median with at least 93 %; with fewer than five it is all that there is.

/// A median, and what it lies between.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    pub median: f64,
    pub low: f64,
    pub high: f64,
}

/// Of at least one value.
pub fn estimate(values: &[f64]) -> Option<Estimate> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    let median = (sorted[last / 2] + sorted[sorted.len() / 2]) / 2.0;
    let left_out = left_out(sorted.len());
    Some(Estimate { median, low: sorted[left_out], high: sorted[last - left_out] })
}

/// How many of the values may be left out at each end.
fn left_out(count: usize) -> usize {
    let half = (count - 1) / 2;
    (0..=half).rev().find(|&out| coverage(count, out) >= 0.93).unwrap_or(0)
}

/// How surely the values that are left hold the true median: it fails when at most `out` of `count` coins show heads, and
/// when at most `out` show tails.
fn coverage(count: usize, out: usize) -> f64 {
    let mut ways = 1.0;
    let mut fails = 0.0;
    for heads in 0..=out {
        fails += ways / 2_f64.powi(count as i32);
        ways = ways * (count - heads) as f64 / (heads + 1) as f64;
    }
    1.0 - 2.0 * fails
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_values_give_the_middle_and_both_ends() {
        let five = estimate(&[0.9, 1.1, 1.0, 0.8, 1.3]);
        assert_eq!(five, Some(Estimate { median: 1.0, low: 0.8, high: 1.3 }));
        assert_eq!(estimate(&[2.0, 4.0]), Some(Estimate { median: 3.0, low: 2.0, high: 4.0 }));
        assert_eq!(estimate(&[]), None);
    }

    #[test]
    fn more_values_may_lose_their_ends() {
        assert_eq!(coverage(5, 0), 0.9375);
        assert_eq!([5, 7, 8, 9, 11, 12].map(left_out), [0, 0, 0, 1, 2, 2]);
    }
}
