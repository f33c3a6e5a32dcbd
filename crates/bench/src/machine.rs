//! What the operating system tells about cores, processor time, load and the disk.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::str::FromStr;
use std::time::{Duration, Instant};

use rustix::thread::CpuSet;

/// A set of cores, written like `0`, `0,2` or `1-3`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CpuList(Vec<usize>);

impl FromStr for CpuList {
    type Err = String;

    fn from_str(text: &str) -> Result<CpuList, String> {
        let number = |text: &str| match text.trim().parse::<usize>() {
            Ok(core) if core < CpuSet::MAX_CPU => Ok(core),
            _ => Err(format!("`{text}` is not a core")),
        };
        let mut cores = Vec::new();
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (number(first)?, number(last)?);
            if first > last {
                return Err(format!("`{part}` runs backwards"));
            }
            cores.extend(first..=last);
        }
        Ok(CpuList(cores))
    }
}

impl CpuList {
    /// Confines the calling thread, and every thread and process that it starts from now on.
    pub fn confine_this_thread(&self) -> io::Result<()> {
        let mut set = CpuSet::new();
        self.0.iter().for_each(|core| set.set(*core));
        Ok(rustix::thread::sched_setaffinity(None, &set)?)
    }
}

/// Processor time that a process has used so far, user and system. `None` when it is gone.
pub fn processor_time(pid: u32) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let ticks = ticks_of(&stat)?;
    Some(Duration::from_micros(ticks * 1_000_000 / rustix::param::clock_ticks_per_second().max(1)))
}

/// Fields 14 and 15 (`utime`, `stime`), counted after the command's name, which may hold anything.
fn ticks_of(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

/// The load average of the last minute.
pub fn load_average() -> Option<f64> {
    std::fs::read_to_string("/proc/loadavg").ok()?.split_whitespace().next()?.parse().ok()
}

/// The median time of one `fdatasync` after overwriting 4 kB of a file in `dir` that is already there.
pub fn sync_time(dir: &Path) -> io::Result<Duration> {
    let path = dir.join("sync.probe");
    let file = File::options().create(true).truncate(true).write(true).open(&path)?;
    let page = [1u8; 4096];
    for at in 0..256 {
        file.write_all_at(&page, at * 4096)?;
    }
    file.sync_all()?;
    let mut times = Vec::new();
    for at in 0..256 {
        let started = Instant::now();
        file.write_all_at(&page, at * 4096)?;
        file.sync_data()?;
        times.push(started.elapsed());
    }
    std::fs::remove_file(path)?;
    times.sort();
    Ok(times[times.len() / 2])
}

/// Waits until what earlier rounds left dirty below `dir` is on the disk, so that it does not slow the next one. A file
/// that goes away meanwhile is no matter.
pub fn settle_disk(dir: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(dir)?.flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => settle_disk(&entry.path())?,
            Ok(kind) if kind.is_file() => drop(File::open(entry.path()).and_then(|file| file.sync_all())),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_found_behind_any_name() {
        let stat = "7 (odd) name (x) S 1 7 7 0 -1 4194560 1 2 3 4 150 25 6 7 20 0 1 0 99";
        assert_eq!(ticks_of(stat), Some(175));
        assert_eq!(ticks_of("7 (x"), None);
        assert_eq!(ticks_of("7 (x) S 1"), None);
    }

    #[test]
    fn this_process_has_used_time_and_the_disk_answers() {
        assert!(processor_time(std::process::id()).is_some());
        assert!(processor_time(u32::MAX).is_none());
        let dir = tempfile::tempdir().unwrap();
        assert!(sync_time(dir.path()).unwrap() > Duration::ZERO);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "the probe cleans up");
    }

    #[test]
    fn a_thread_can_be_confined_to_a_core() {
        std::thread::spawn(|| {
            let allowed = rustix::thread::sched_getaffinity(None).unwrap();
            let core = (0..CpuSet::MAX_CPU).find(|core| allowed.is_set(*core)).unwrap();
            CpuList(vec![core]).confine_this_thread().unwrap();
            assert_eq!(rustix::thread::sched_getaffinity(None).unwrap().count(), 1);
        })
        .join()
        .unwrap();
    }
}
