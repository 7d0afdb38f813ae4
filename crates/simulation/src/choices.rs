//! Every decision of a history comes from here, so that a history is a list of numbers: it can be made from a seed,
//! played again, and made shorter.

/// Makes or replays decisions. Zero is always the calm one: nothing happens.
#[derive(Debug)]
pub(crate) struct Choices {
    source: Source,
    made: Vec<u32>,
}

#[derive(Debug)]
enum Source {
    Random(fastrand::Rng),
    /// After its end everything is calm.
    Script(Vec<u32>),
}

impl Choices {
    pub(crate) fn from_seed(seed: u64) -> Self {
        Self {
            source: Source::Random(fastrand::Rng::with_seed(seed)),
            made: Vec::new(),
        }
    }

    pub(crate) fn replay(script: Vec<u32>) -> Self {
        Self {
            source: Source::Script(script),
            made: Vec::new(),
        }
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        let bound = bound.max(1);
        let choice = match &mut self.source {
            Source::Random(random) => random.u32(0..bound),
            Source::Script(script) => script.get(self.made.len()).copied().unwrap_or(0) % bound,
        };
        self.made.push(choice);
        choice
    }

    /// True once in so many times; a calm history never has it.
    pub(crate) fn one_in(&mut self, bound: u32) -> bool {
        self.below(bound) == bound.saturating_sub(1) && bound > 1
    }

    pub(crate) fn index(&mut self, length: usize) -> usize {
        self.below(u32::try_from(length).unwrap_or(u32::MAX)) as usize
    }

    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.index(of.len())]
    }

    pub(crate) fn into_made(self) -> Vec<u32> {
        self.made
    }
}
