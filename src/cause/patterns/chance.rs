//! How likely chance alone is: exact tails, and the correction for many looks.

/// The probability that `looks` independent looks show at least one that a single one shows with `single`,
/// at most: Bonferroni's bound.
pub(super) fn corrected(single: f64, looks: usize) -> f64 {
    (single * looks as f64).min(1.0)
}

/// The probability that all of `points` places, evenly spread over a length of 1, lie within `window` of
/// each other: `n w^(n-1) - (n-1) w^n` (the range of a uniform sample).
pub(super) fn within(points: usize, window: f64) -> f64 {
    let window = window.clamp(0.0, 1.0);
    let n = points as f64;
    if points < 2 {
        return 1.0;
    }
    (n * window.powf(n - 1.0) - (n - 1.0) * window.powf(n)).clamp(0.0, 1.0)
}

/// The same for at least `close` of `points` places: each choice of them counted, an upper bound.
pub(super) fn some_within(points: usize, close: usize, window: f64) -> f64 {
    let choices: f64 =
        (0..close.min(points)).map(|step| (points - step) as f64 / (step + 1) as f64).product();
    (choices * within(close, window)).min(1.0)
}

/// Logarithms of factorials, for [`Factorials::upper_tail`].
#[derive(Debug)]
pub(super) struct Factorials(Vec<f64>);

impl Factorials {
    /// Those of 0 to `most`.
    pub(super) fn up_to(most: usize) -> Self {
        let mut sum = 0.0;
        let logs = (1..=most).map(|number| {
            sum += (number as f64).ln();
            sum
        });
        Self(std::iter::once(0.0).chain(logs).collect())
    }

    fn ln(&self, number: usize) -> f64 {
        self.0.get(number).copied().unwrap_or(f64::INFINITY)
    }

    fn ln_choose(&self, from: usize, choose: usize) -> f64 {
        match from.checked_sub(choose) {
            Some(rest) => self.ln(from) - self.ln(choose) - self.ln(rest),
            None => f64::NEG_INFINITY,
        }
    }

    /// The probability that a draw of `drawn` from `all`, `marked` of which are marked, holds `seen` marked
    /// ones or more: the upper tail of the hypergeometric distribution, which is Fisher's exact test on one
    /// side. `all` may not be more than the factorials reach.
    pub(super) fn upper_tail(&self, all: usize, marked: usize, drawn: usize, seen: usize) -> f64 {
        let (Some(plain), true) = (all.checked_sub(marked), drawn <= all) else { return 1.0 };
        let whole = self.ln_choose(all, drawn);
        let tail: f64 = (seen..=marked.min(drawn))
            .filter(|hits| drawn - hits <= plain)
            .map(|hits| (self.ln_choose(marked, hits) + self.ln_choose(plain, drawn - hits) - whole).exp())
            .sum();
        tail.min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(one: f64, other: f64) {
        assert!((one - other).abs() <= other.abs() * 1e-9, "{one} is not {other}");
    }

    #[test]
    fn the_tail_is_fishers() {
        // The lady tasting tea: 4 of 4 by chance 1/70, 3 or more 17/70.
        let factorials = Factorials::up_to(1_000);
        near(factorials.upper_tail(8, 4, 4, 4), 1.0 / 70.0);
        near(factorials.upper_tail(8, 4, 4, 3), 17.0 / 70.0);
        near(factorials.upper_tail(8, 4, 4, 0), 1.0);
        near(factorials.upper_tail(1_000, 10, 10, 10), {
            (1..=10).map(|step| f64::from(step) / f64::from(990 + step)).product()
        });
        // More drawn than there are plain ones: two marked at least.
        near(factorials.upper_tail(10, 6, 6, 2), 1.0);
        assert!(factorials.upper_tail(10, 6, 6, 7).abs() < f64::EPSILON);
    }

    #[test]
    fn points_in_a_window() {
        near(within(2, 0.1), 0.19);
        near(within(3, 0.1), 0.028);
        near(within(3, 2.0), 1.0);
        near(some_within(3, 2, 0.1), 0.57);
        near(some_within(4, 4, 0.1), within(4, 0.1));
        near(corrected(0.01, 5), 0.05);
        near(corrected(0.5, 5), 1.0);
    }
}
