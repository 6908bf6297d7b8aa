//! Collects a pickle in the frames that CPython cuts it into.

/// From this length on, a frame ends before the next value, and a text or bytes stand outside.
const TARGET: usize = 64 << 10;
/// A shorter frame goes without its header.
const MIN: usize = 4;
const HEADER: usize = 9;

/// A pickle that is being written.
#[derive(Debug, Default)]
pub(super) struct Frames {
    out: Vec<u8>,
    /// Where the header of the current frame stands.
    start: Option<usize>,
}

impl Frames {
    /// Appends bytes that are in no frame, at the start of the pickle.
    pub(super) fn outside(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// Appends to the current frame, or to a new one.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.start.is_none() {
            self.start = Some(self.out.len());
            self.out.extend([0; HEADER]);
        }
        self.out.extend_from_slice(bytes);
    }

    /// Appends the content of a text or of bytes, behind what says its length.
    pub(super) fn content(&mut self, head: &[u8], content: &[u8]) {
        if content.len() < TARGET {
            self.push(head);
            self.push(content);
        } else {
            self.end();
            self.outside(head);
            self.outside(content);
        }
    }

    /// Ends a frame that is long enough, as CPython does before each value.
    pub(super) fn boundary(&mut self) {
        if self.start.is_some_and(|start| self.out.len() - start - HEADER >= TARGET) {
            self.end();
        }
    }

    /// Ends the current frame.
    pub(super) fn end(&mut self) {
        let Some(start) = self.start.take() else { return };
        let length = self.out.len() - start - HEADER;
        if length < MIN {
            self.out.drain(start..start + HEADER);
        } else {
            self.out[start] = 0x95;
            self.out[start + 1..start + HEADER].copy_from_slice(&(length as u64).to_le_bytes());
        }
    }

    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        self.end();
        self.out
    }
}
