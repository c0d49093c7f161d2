//! Skew and drift: a median, and a line, through how far stamps are ahead of the wire.

use crate::time::Timestamp;

/// Pairs that a skew must rest on.
const MIN_SKEW_PAIRS: usize = 2;
/// The spread (median absolute deviation) beyond which pairs tell no skew.
const MAX_SKEW_SPREAD_SECONDS: f64 = 2.0;
/// Pairs, and the time between the first and the last, that a drift must rest on.
const MIN_DRIFT_PAIRS: usize = 20;
const MIN_DRIFT_HOURS: f64 = 1.0;
/// A stamp is the second in which something happened, so on average it is this much too early.
pub(super) const STAMP_CENTRE_SECONDS: f64 = 0.5;

/// A skew, and a drift where the pairs span enough time.
pub(super) struct SkewFit {
    /// How far the stamps are ahead, in seconds.
    pub(super) skew: f64,
    /// How fast they gain, in parts per million.
    pub(super) drift_ppm: Option<f64>,
    /// From when on.
    pub(super) from: Timestamp,
    /// Pairs it rests on.
    pub(super) pairs: usize,
}

/// The median of how far the stamps are ahead; a line through them where they span enough time.
pub(super) fn skew(residuals: &[(Timestamp, f64)]) -> Option<SkewFit> {
    if residuals.len() < MIN_SKEW_PAIRS {
        return None;
    }
    let middle = median(residuals.iter().map(|(_, ahead)| *ahead).collect())?;
    let spread = median(residuals.iter().map(|(_, ahead)| (ahead - middle).abs()).collect())?;
    if spread > MAX_SKEW_SPREAD_SECONDS {
        return None;
    }
    // Pairs far off are retries that were logged or captured only once; they tell nothing of the clock.
    let near: Vec<(Timestamp, f64)> = residuals
        .iter()
        .copied()
        .filter(|(_, ahead)| (ahead - middle).abs() <= 2.0 * MAX_SKEW_SPREAD_SECONDS)
        .collect();
    let from = near.first()?.0;
    let hours = near.last()?.0.since(from).seconds() / 3600.0;
    let line =
        (near.len() >= MIN_DRIFT_PAIRS && hours >= MIN_DRIFT_HOURS).then(|| slope(&near, from)).flatten();
    Some(match line {
        Some((start, rate)) => SkewFit {
            skew: start + STAMP_CENTRE_SECONDS,
            drift_ppm: Some(rate * 1e6),
            from,
            pairs: near.len(),
        },
        None => SkewFit { skew: middle + STAMP_CENTRE_SECONDS, drift_ppm: None, from, pairs: near.len() },
    })
}

/// Least squares: where the line starts and how it climbs, seconds a second; `None` where the climb
/// is less than the stamps' own second over the whole time.
fn slope(points: &[(Timestamp, f64)], from: Timestamp) -> Option<(f64, f64)> {
    let count = points.len() as f64;
    let xs: Vec<f64> = points.iter().map(|(time, _)| time.since(from).seconds()).collect();
    let mean_x = xs.iter().sum::<f64>() / count;
    let mean_y = points.iter().map(|(_, ahead)| ahead).sum::<f64>() / count;
    let variance = xs.iter().map(|x| (x - mean_x).powi(2)).sum::<f64>();
    let covariance = xs.iter().zip(points).map(|(x, (_, y))| (x - mean_x) * (y - mean_y)).sum::<f64>();
    let rate = covariance / variance;
    let climb = rate * xs.last().copied()?;
    (rate.is_finite() && climb.abs() >= 1.0).then_some((mean_y - rate * mean_x, rate))
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = values.get(middle).copied()?;
    if values.len().is_multiple_of(2) {
        let lower = values.get(middle.checked_sub(1)?).copied()?;
        return Some((lower + upper) / 2.0);
    }
    Some(upper)
}
