//! The threads of the journal: the one that writes, and the one that looks whether the folder is there.

use super::{GATHER, LOOK, Progress, RETRY, Shared, UnderWay, first, recent};
use crate::engine::embedded::{
    folder::Folder,
    series::{Series, bytes::Group, manifest::Listed},
};
use parking_lot::MutexGuard;
use std::{
    io, mem,
    sync::atomic::Ordering,
    thread,
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// What the thread is to do next.
enum Work {
    Write(Group),
    Cut(u64),
}

/// Writes rows as one group, durable when this returns. Where the folder was removed meanwhile, it is known only once
/// that is put back whether they are there; they are not written twice.
fn write(series: &mut Series, folder: &Folder, group: &mut Group, is_written: &mut bool) -> io::Result<()> {
    folder.is_there()?;
    if !*is_written {
        series.append(group)?;
        *is_written = true;
    }
    folder.is_there()
}

impl Shared {
    /// The writer's thread; returns how many rows it could not write.
    pub(super) fn write_all(&self, mut series: Series, folder: &Folder) -> usize {
        let mut gather = false;
        while let Some(work) = self.next_work(gather) {
            let mut group = match work {
                Work::Write(group) => group,
                Work::Cut(useful) => {
                    self.cut_files(&mut series, useful);
                    continue;
                }
            };
            gather = group.rows() > 1;
            let (began, mut is_written) = (Instant::now(), false);
            while let Err(error) = write(&mut series, folder, &mut group, &mut is_written) {
                self.metrics.journal_errors.inc();
                if !self.in_trouble.swap(true, Ordering::Relaxed) {
                    tracing::error!(%error, "the journal cannot be written; webhooks are refused until it can");
                }
                // A disk that is broken must not hold up the end.
                if self.is_closed_within(RETRY) {
                    return group.rows();
                }
            }
            self.metrics.journal_groups.inc();
            self.metrics.journal_seconds.observe(began.elapsed().as_secs_f64());
            self.recent.store(recent(&series), Ordering::Relaxed);
            self.finish_group();
        }
        if let Err(error) = series.settle_mark() {
            tracing::warn!(%error, "the mark of the journal could not be made durable");
        }
        0
    }

    /// Removes files of which nothing is of use.
    fn cut_files(&self, series: &mut Series, useful: u64) {
        let is_useless = |file: &Listed| {
            let rows = file.first..file.end.map_or(u64::MAX, |end| end.next);
            rows.end <= useful && !self.unread.iter().any(|row| rows.contains(row))
        };
        if let Err(error) = series.remove(is_useless) {
            tracing::warn!(%error, "a file of the journal that is of no use could not be removed");
        }
        self.first.store(first(series), Ordering::Relaxed);
    }

    /// Looks now and then whether the folder is there, until the journal is closed.
    pub(super) fn watch(&self, folder: &Folder) {
        while !self.is_closed_within(LOOK) {
            let is_gone = folder.is_gone();
            if self.is_gone.swap(is_gone, Ordering::Relaxed) == is_gone {
                continue;
            }
            match is_gone {
                true => tracing::error!("the journal's folder was removed; webhooks are refused"),
                false => tracing::info!("the journal's folder is there again"),
            }
        }
    }

    fn is_closed_within(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        let mut queue = self.queue.lock();
        while !queue.closing && !self.closed.wait_until(&mut queue, until).timed_out() {}
        queue.closing
    }

    /// Waits for rows, and where it should, a little longer for more; none once the journal is
    /// closed and empty.
    fn next_work(&self, gather: bool) -> Option<Work> {
        let mut queue = self.queue.lock();
        let taken = queue.first;
        if let Some(cut) = queue.cut.take_if(|cut| cut.after <= taken) {
            return Some(Work::Cut(cut.useful));
        }
        while queue.group.rows() == 0 {
            if let Some(cut) = queue.cut.take() {
                return Some(Work::Cut(cut.useful));
            }
            if queue.closing {
                return None;
            }
            self.news.wait(&mut queue);
        }
        if gather {
            MutexGuard::unlocked(&mut queue, || thread::sleep(GATHER));
        }
        let progress = mem::replace(&mut queue.progress, watch::Sender::new(Progress::Waiting));
        queue.under_way = Some(UnderWay { since: Instant::now(), first: queue.first, progress });
        queue.first += queue.group.rows() as u64;
        Some(Work::Write(mem::take(&mut queue.group)))
    }

    fn finish_group(&self) {
        let mut queue = self.queue.lock();
        let group = queue.under_way.take();
        // What came while this group was late has a fair chance again.
        queue.progress.send_if_modified(|waiting| mem::replace(waiting, Progress::Waiting) == Progress::Late);
        drop(queue);
        if self.in_trouble.swap(false, Ordering::Relaxed) {
            tracing::info!("the journal is written again");
        }
        if let Some(group) = group {
            group.progress.send_replace(Progress::OnDisk);
        }
    }

    pub(super) fn close(&self) {
        self.queue.lock().closing = true;
        self.news.notify_one();
        self.closed.notify_all();
    }
}
