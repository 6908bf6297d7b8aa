//! Turns: one request's session can be used by several tasks at once, but its store is asked by one
//! of them at a time, in the order in which they came; and saving comes last.

use std::collections::VecDeque;

/// Who may ask the store now.
///
/// ```
/// use hipflask_core::visit::Turns;
///
/// let mut turns = Turns::default();
/// let (update, save) = (turns.enter().unwrap(), turns.close().unwrap());
/// assert!(turns.is_on(update) && !turns.is_on(save));
/// assert!(turns.enter().is_none()); // too late
/// turns.leave(update);
/// assert!(turns.is_on(save));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Turns {
    waiting: VecDeque<Turn>,
    last: u64,
    closed: bool,
}

/// A place in the line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Turn(u64);

impl Turns {
    /// Takes a place at the end of the line; `None` once saving has taken the last.
    pub fn enter(&mut self) -> Option<Turn> {
        (!self.closed).then(|| self.push())
    }

    /// Takes a place at the end of the line, however late, to look and to change nothing.
    pub fn enter_to_read(&mut self) -> Turn {
        self.push()
    }

    /// Takes the last place of those who change something; `None` if it is taken.
    pub fn close(&mut self) -> Option<Turn> {
        let turn = self.enter();
        self.seal();
        turn
    }

    /// Lets nobody change anything from here on.
    pub const fn seal(&mut self) {
        self.closed = true;
    }

    fn push(&mut self) -> Turn {
        self.last += 1;
        self.waiting.push_back(Turn(self.last));
        Turn(self.last)
    }

    /// Reports whether nobody else is before this one.
    pub fn is_on(&self, turn: Turn) -> bool {
        self.waiting.front() == Some(&turn)
    }

    /// Leaves the line, done or not.
    pub fn leave(&mut self, turn: Turn) {
        self.waiting.retain(|other| *other != turn);
    }

    /// Reports whether saving has taken its place, so that later changes would be lost.
    pub const fn is_closed(&self) -> bool {
        self.closed
    }
}
