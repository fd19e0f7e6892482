//! What the server's processes cost, as `/proc` shows it.

use std::{collections::BTreeSet, fs::read_to_string};

/// CPU seconds and resident bytes so far; pages that processes share are counted once.
pub struct Usage {
    pub cpu_s: f64,
    pub bytes: f64,
}

impl Usage {
    /// Of the processes and their children together.
    pub fn of(pids: &[u32]) -> Self {
        let all = with_children(pids);
        Self {
            cpu_s: all.iter().filter_map(cpu_seconds).sum(),
            bytes: all.iter().filter_map(resident_bytes).sum(),
        }
    }
}

fn with_children(pids: &[u32]) -> BTreeSet<u32> {
    let (mut all, mut next) = (BTreeSet::new(), pids.to_vec());
    while let Some(pid) = next.pop() {
        if all.insert(pid) {
            let children = read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
            next.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
        }
    }
    all
}

/// User and system time are fields 14 and 15, in hundredths; the command before them may hold spaces.
fn cpu_seconds(pid: &u32) -> Option<f64> {
    let stat = read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.get(stat.rfind(')')? + 2..)?.split(' ').skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / 100.0)
}

fn resident_bytes(pid: &u32) -> Option<f64> {
    let rollup = read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    line.trim().trim_end_matches(" kB").parse::<f64>().ok().map(|kilobytes| kilobytes * 1024.0)
}
