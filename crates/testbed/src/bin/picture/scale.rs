/// A linear axis with round marks.
#[derive(Debug)]
pub(crate) struct Scale {
    /// Of what is measured, from zero.
    most: f64,
    step: f64,
    /// Where zero and `most` are in the picture.
    from: f64,
    to: f64,
}

/// More would crowd the axis.
const MOST_MARKS: f64 = 7.0;

impl Scale {
    /// Reaches from zero to the first mark that is no less than `most`.
    pub(crate) fn to_a_mark(most: f64, from: f64, to: f64) -> Self {
        let step = step(most);
        Self {
            most: (most / step).ceil() * step,
            step,
            from,
            to,
        }
    }

    /// Reaches from zero to `most`.
    pub(crate) fn exact(most: f64, from: f64, to: f64) -> Self {
        Self {
            most,
            step: step(most),
            from,
            to,
        }
    }

    pub(crate) fn place(&self, value: f64) -> f64 {
        self.from + (self.to - self.from) * value / self.most
    }

    pub(crate) fn marks(&self) -> impl Iterator<Item = f64> {
        let marks = (0_u32..).map(|index| f64::from(index) * self.step);
        marks.take_while(|mark| *mark <= self.most)
    }
}

/// 1, 2 or 5 times a power of ten.
fn step(most: f64) -> f64 {
    let power = 10_f64.powf((most / MOST_MARKS).log10().floor());
    let steps = [1.0, 2.0, 5.0].map(|digit| digit * power);
    let enough = steps.into_iter().find(|step| most / step <= MOST_MARKS);
    enough.unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_and_few() {
        let marks = |most| Scale::to_a_mark(most, 0.0, 1.0).marks().collect::<Vec<_>>();
        assert_eq!(marks(5.1), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(marks(88.0), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
    }
}
