//! Keeps the writers of a record apart, on all threads and in all processes of a machine.
//!
//! The system's own locks on files, because it releases them when their process dies.

use std::{
    fs::{File, TryLockError},
    io,
    thread::sleep,
    time::{Duration, Instant},
};

/// How long to wait for a lock. Holders need it for microseconds, unless they were stopped.
const PATIENCE: Duration = Duration::from_secs(4);

/// The longest pause between two attempts.
const PAUSE: Duration = Duration::from_millis(2);

/// Waits until nobody else has locked the file. Closing it ends the lock.
pub(super) fn lock(file: File) -> io::Result<File> {
    let (start, mut pause) = (Instant::now(), Duration::from_micros(20));
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if start.elapsed() < PATIENCE => sleep(pause),
            Err(error) => return Err(error.into()),
        }
        pause = PAUSE.min(pause * 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lock_waits_for_other_handles_of_the_same_file() {
        let path = std::env::temp_dir().join(format!("hipflask-lock-{}", std::process::id()));
        let first = lock(File::create(&path).unwrap()).unwrap();
        let second = File::open(&path).unwrap();
        let waiting = std::thread::spawn(move || lock(second).map(|_| Instant::now()).unwrap());
        sleep(Duration::from_millis(50));
        let released = Instant::now();
        drop(first);
        assert!(waiting.join().unwrap() >= released);
        std::fs::remove_file(path).unwrap();
    }
}
