/// A list that grows by pieces and never moves what it has: one that grows by doubling would for a moment take three
/// times its size, and there may be ten million of these.
#[derive(Clone, Debug)]
pub(super) struct Chunked<T> {
    chunks: Vec<Vec<T>>,
}

const CHUNK: usize = 1 << 16;

impl<T> Default for Chunked<T> {
    fn default() -> Self {
        Self { chunks: Vec::new() }
    }
}

impl<T> Chunked<T> {
    pub(super) fn push(&mut self, value: T) {
        match self.chunks.last_mut() {
            Some(chunk) if chunk.len() < CHUNK => chunk.push(value),
            Some(_) => {
                let mut chunk = Vec::with_capacity(CHUNK);
                chunk.push(value);
                self.chunks.push(chunk);
            }
            // Most lists stay small.
            None => self.chunks.push(vec![value]),
        }
    }

    pub(super) fn len(&self) -> usize {
        let last = self.chunks.last().map_or(0, Vec::len);
        self.chunks.len().saturating_sub(1) * CHUNK + last
    }

    pub(super) fn get(&self, position: usize) -> Option<&T> {
        self.chunks.get(position / CHUNK)?.get(position % CHUNK)
    }

    pub(super) fn get_mut(&mut self, position: usize) -> Option<&mut T> {
        let chunk = self.chunks.get_mut(position / CHUNK)?;
        chunk.get_mut(position % CHUNK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pushed_is_found_at_its_position() {
        let mut list = Chunked::default();
        assert_eq!((list.len(), list.get(0)), (0, None));
        let count = 2 * CHUNK + 3;
        for number in 0..count {
            list.push(number);
            assert_eq!(list.len(), number + 1);
        }
        for position in 0..count {
            assert_eq!(list.get(position), Some(&position));
            assert_eq!(list.get_mut(position), Some(&mut { position }));
        }
        assert_eq!(list.get(count), None);
        assert_eq!(list.get_mut(3 * CHUNK), None);
    }
}
