/// Notices that a sequence repeats itself, in the memory of two of its members: the first, and a later one (Brent's
/// algorithm). A store whose pages lead back to earlier ones would be listed for ever.
#[derive(Debug)]
pub(super) struct Circle {
    first: Option<String>,
    remembered: Option<String>,
    since: u64,
    /// After how many more members another one is remembered; doubled each time.
    length: u64,
}

impl Circle {
    pub(super) fn new() -> Self {
        Self {
            first: None,
            remembered: None,
            since: 0,
            length: 1,
        }
    }

    /// Whether this member has been here before. Of a circle that is noticed in its third round at the latest, and if it
    /// leads back to the beginning at once.
    pub(super) fn is_closed_by(&mut self, member: &str) -> bool {
        let known = [&self.first, &self.remembered];
        if known.into_iter().flatten().any(|known| known == member) {
            return true;
        }
        if self.first.is_none() {
            self.first = Some(member.to_owned());
        }
        self.since += 1;
        if self.since == self.length {
            self.remembered = Some(member.to_owned());
            self.since = 0;
            self.length *= 2;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::Circle;

    #[test]
    fn every_circle_closes_and_nothing_else_does() {
        for (before, round) in [(0, 1), (0, 2), (3, 5), (100, 1), (100, 70)] {
            let mut circle = Circle::new();
            let member = |number: usize| match number.checked_sub(before) {
                None => number.to_string(),
                Some(inside) => format!("{}", before + inside % round),
            };
            let closed = (0..1_000).find(|number| circle.is_closed_by(&member(*number)));
            let repeats = before + round;
            assert!(closed.is_some_and(|at| (repeats..4 * repeats + 4).contains(&at)));
        }
        let mut back = Circle::new();
        assert!(!(0..1000).any(|number| back.is_closed_by(&number.to_string())));
        assert!(back.is_closed_by("0"));
        let mut line = Circle::new();
        assert!(!(0..10_000).any(|number| line.is_closed_by(&number.to_string())));
    }
}
