//! The numbers of places, made from the number of files.

/// The most places, however many files there may be.
const MOST: usize = 16 * 1024;
/// Files that connections never get; of few files, a half.
const RESERVE: usize = 256;
/// The most files that connections and the reserve are together.
pub(crate) const MOST_FILES: u64 = (MOST + RESERVE) as u64;
/// With fewer places than that nothing can be served; the system will say so.
const FEWEST: usize = 8;
/// Places that only private listeners get; of few places, an eighth.
const PRIVATE: usize = 32;
/// Places that WebSockets never get, so that a webhook finds one; of few places, a sixteenth.
const NO_SOCKETS: usize = 128;
/// An address has one eighth of the places for strangers.
const SHARES: usize = 8;

/// How many places there are, and for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) total: usize,
    /// Of those, for private listeners alone.
    pub(super) private: usize,
    /// From so many others on places are scarce: three quarters.
    pub(super) scarce: usize,
    /// So many strangers of one address, while places are scarce.
    pub(super) share: usize,
    /// The most WebSockets.
    pub(super) sockets: usize,
}

impl Bounds {
    /// Those of a process that may open so many files; none is any number.
    pub(super) fn of(files: Option<u64>) -> Self {
        let files = files.and_then(|files| usize::try_from(files).ok()).unwrap_or(usize::MAX);
        let total = (files - RESERVE.min(files / 2)).clamp(FEWEST, MOST);
        let private = PRIVATE.min(total / 8);
        let common = total - private;
        let sockets = common - NO_SOCKETS.min(total / 16).max(1);
        Self { total, private, scarce: common / 4 * 3, share: total.div_ceil(SHARES), sockets }
    }

    /// For every listener.
    pub(super) fn common(&self) -> usize {
        self.total - self.private
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserve_of_files_is_for_no_connection() {
        for (files, total) in [
            (None, MOST),
            (Some(1_000_000), MOST),
            (Some(20_000), MOST),
            (Some(4096), 3840),
            (Some(512), 256),
            (Some(300), 150),
            (Some(1), FEWEST),
        ] {
            let bounds = Bounds::of(files);
            assert_eq!(bounds.total, total, "{files:?}");
            assert!(bounds.share >= 1 && bounds.private >= 1, "{bounds:?}");
            assert!(bounds.scarce < bounds.sockets && bounds.sockets < bounds.common(), "{bounds:?}");
        }
    }
}
