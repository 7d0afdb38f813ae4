//! One thread, no time: whoever waits gives the others their turn.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

/// Waits once, so that whoever drives the future may let something else happen.
pub(crate) fn turn() -> impl Future<Output = ()> + Send {
    Turn { given: false }
}

struct Turn {
    given: bool,
}

impl Future for Turn {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.given, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Drives futures by turns. `next` is told how many are left and says which is polled, whether it is dropped instead.
pub(crate) fn drive<T>(
    mut futures: Vec<Pin<Box<dyn Future<Output = T> + '_>>>,
    mut next: impl FnMut(usize) -> Next,
) -> Vec<T> {
    let mut results = Vec::new();
    let mut context = Context::from_waker(Waker::noop());
    while !futures.is_empty() {
        match next(futures.len()) {
            Next::Kill(which) => drop(futures.swap_remove(which)),
            Next::Poll(which) => {
                if let Poll::Ready(result) = pin!(&mut futures[which]).poll(&mut context) {
                    results.push(result);
                    drop(futures.swap_remove(which));
                }
            }
        }
    }
    results
}

/// What happens to which of the futures.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Next {
    Poll(usize),
    Kill(usize),
}
