//! Chance by seed: xoshiro256++ seeded through SplitMix64, with the few distributions that are needed.
//!
//! Logarithm and exponential are written out here from the four basic operations, which IEEE 754 defines to the
//! bit: the platform's own may differ in the last place, and then the same seed would not give the same octets.

use std::f64::consts::LN_2;

/// A stream of chance.
#[derive(Debug, Clone)]
pub(crate) struct Rng {
    state: [u64; 4],
}

impl Rng {
    /// The stream `stream` of the seed `seed`; streams are independent of each other.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut mixer = seed ^ stream.wrapping_mul(0xd134_2543_de82_ef95);
        let mut next = || {
            // SplitMix64, Steele, Lea and Flood 2014.
            mixer = mixer.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = mixer;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        };
        Self { state: [next(), next(), next(), next()] }
    }

    /// The next 64 bits (xoshiro256++ 1.0, Blackman and Vigna 2019).
    pub(crate) fn next(&mut self) -> u64 {
        let [a, b, c, d] = self.state;
        let result = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
        let (c, d) = (c ^ a, d ^ b);
        let (b1, a1) = (b ^ c, a ^ d);
        self.state = [a1, b1, c ^ (b << 17), d.rotate_left(45)];
        result
    }

    /// A number below `bound`; 0 for a bound of 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low).max(0) as u64 + 1) as i64
    }

    /// A number from 0 to below 1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// True with the given probability. A probability of 0 draws nothing, so that an option that is off
    /// does not cost time in the inner loop.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        probability > 0.0 && self.unit() < probability
    }

    /// A waiting time of a Poisson process with the given mean.
    pub(crate) fn exponential(&mut self, mean: f64) -> f64 {
        -ln(1.0 - self.unit()) * mean
    }

    /// A number whose logarithm is normally distributed, with the given mean and the spread of the logarithm.
    pub(crate) fn log_normal(&mut self, mean: f64, spread: f64) -> f64 {
        // Twelve uniform numbers: a normal one to within what a test notices (Irwin and Hall).
        let normal = (0..12).map(|_| self.unit()).sum::<f64>() - 6.0;
        mean * exp(spread * normal - spread * spread / 2.0)
    }

    /// One of them; the first where there is but one.
    pub(crate) fn pick<'a, T>(&mut self, first: &'a T, others: &'a [T]) -> &'a T {
        match self.below(others.len() as u64 + 1) {
            0 => first,
            n => others.get(n as usize - 1).unwrap_or(first),
        }
    }

    /// One of them, by their weights.
    pub(crate) fn weighted<T: Copy>(&mut self, choices: &[(T, u32)]) -> Option<T> {
        let total: u64 = choices.iter().map(|(_, weight)| u64::from(*weight)).sum();
        let mut left = self.below(total);
        choices.iter().find_map(|(choice, weight)| {
            let weight = u64::from(*weight);
            if left < weight {
                return Some(*choice);
            }
            left -= weight;
            None
        })
    }
}

/// The natural logarithm of a number above 0.
fn ln(x: f64) -> f64 {
    let bits = x.to_bits();
    let exponent = ((bits >> 52) & 0x7ff) as i64 - 1023;
    let mantissa = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) | (1023 << 52));
    // ln m = 2 artanh((m - 1) / (m + 1)); the argument stays below 1/3, so 20 terms are enough.
    let z = (mantissa - 1.0) / (mantissa + 1.0);
    let (mut power, mut sum) = (z, 0.0);
    for term in 0..20 {
        sum += power / f64::from(2 * term + 1);
        power *= z * z;
    }
    2.0 * sum + exponent as f64 * LN_2
}

/// e to the x, for the modest x of a spread.
fn exp(x: f64) -> f64 {
    let x = x.clamp(-700.0, 700.0);
    let doublings = (x / LN_2).floor();
    let rest = x - doublings * LN_2;
    let (mut term, mut sum) = (1.0, 1.0);
    for n in 1..20 {
        term *= rest / f64::from(n);
        sum += term;
    }
    sum * f64::from_bits(((doublings as i64 + 1023) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logarithm_and_the_exponential_agree_with_the_platform() {
        for x in [1e-12, 0.1, 0.5, 1.0, 1.5, 2.0, 1234.5] {
            assert!((ln(x) - x.ln()).abs() < 1e-12, "ln {x}");
        }
        for x in [-20.0f64, -1.0, 0.0, 0.3, 1.0, 5.5] {
            assert!((exp(x) / x.exp() - 1.0).abs() < 1e-12, "exp {x}");
        }
    }

    #[test]
    fn means_come_out() {
        let mut rng = Rng::new(1, 1);
        let n = 100_000;
        let mean = |draw: &mut dyn FnMut() -> f64| (0..n).map(|_| draw()).sum::<f64>() / f64::from(n);
        assert!((mean(&mut || rng.exponential(3.0)) - 3.0).abs() < 0.05);
        assert!((mean(&mut || rng.log_normal(100.0, 0.8)) - 100.0).abs() < 2.0);
        assert!((mean(&mut || rng.between(-5, 5) as f64)).abs() < 0.05);
    }

    #[test]
    fn streams_differ_and_repeat() {
        let draw = |seed, stream| Rng::new(seed, stream).next();
        assert_eq!(draw(1, 2), draw(1, 2));
        assert_ne!(draw(1, 2), draw(1, 3));
        assert_ne!(draw(1, 2), draw(2, 2));
    }

    #[test]
    fn a_weight_of_zero_is_never_drawn() {
        let mut rng = Rng::new(3, 0);
        assert!((0..1000).all(|_| rng.weighted(&[('a', 0), ('b', 3), ('c', 0)]) == Some('b')));
        assert_eq!(rng.weighted(&[('a', 0)]), None);
    }
}
