//! A file of lines that grows: what a long job has finished, kept at once.
//!
//! A line counts from its line end on: a job that is killed, at any moment, leaves at most a torn
//! last line, which the next one cuts off. The file is locked while it is written, so that two
//! jobs never mix.

use crate::error::{Error, InputError, Result};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Take, Write};
use std::path::{Path, PathBuf};

/// A journal.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: BufReader<File>,
    /// Where the next line is appended.
    end: u64,
}

impl Journal {
    /// Opens the journal at `path` for reading; None where there is no such file.
    ///
    /// # Errors
    /// An input error where the file cannot be read.
    pub fn open_to_read(path: &Path) -> Result<Option<Journal>> {
        match File::open(path) {
            Ok(file) => Ok(Some(Journal::new(path, file))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unreadable(path, &error)),
        }
    }

    /// Opens the journal at `path` for writing, and makes it, with its folder, where it is missing.
    ///
    /// # Errors
    /// A usage error where another process writes to it; a write error where the file system
    /// refuses.
    pub fn open_to_write(path: &Path) -> Result<Journal> {
        let failed = |source| Error::Write {
            path: path.to_owned(),
            source,
        };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let mut options = OpenOptions::new();
        let file = options.create(true).read(true).append(true).open(path);
        let file = file.map_err(failed)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Err(Error::Usage {
                problem: format!("another process is writing to {}", path.display()),
                remedy: "wait for it, or use another folder with --out DIR".into(),
            }),
            // File systems without locks are used at one's own risk.
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Journal::new(path, file)),
        }
    }

    fn new(path: &Path, file: File) -> Journal {
        Journal {
            path: path.to_owned(),
            end: file.metadata().map_or(0, |data| data.len()),
            file: BufReader::new(file),
        }
    }

    /// Whether a process writes to the file at `path`.
    pub fn is_being_written(path: &Path) -> bool {
        let file = File::open(path);
        file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether nothing stands in it.
    pub fn is_empty(&self) -> bool {
        self.end == 0
    }

    /// The lines that the file has now.
    ///
    /// # Errors
    /// An input error where the file cannot be read.
    pub fn lines(&self) -> Result<Lines> {
        let file = File::open(&self.path).map_err(|error| unreadable(&self.path, &error))?;
        let length = file.metadata().map_or(0, |data| data.len());
        Ok(Lines {
            path: self.path.clone(),
            reader: BufReader::new(file).take(length),
            text: Vec::new(),
            end: 0,
            count: 0,
        })
    }

    /// Cuts the file off at `end`: what stands behind it, a torn line, never counted.
    ///
    /// # Errors
    /// A write error.
    pub fn cut(&mut self, end: u64) -> Result<()> {
        let cut = self.file.get_ref().set_len(end);
        self.end = end;
        cut.map_err(|source| self.unwritable(source))
    }

    /// Appends a line, without line ends of its own; gives back where it starts.
    ///
    /// # Errors
    /// A write error.
    pub fn append(&mut self, line: &[u8]) -> Result<u64> {
        let at = self.end;
        // One call, so that a kill tears one line at the worst.
        let bytes = [line, b"\n"].concat();
        let written = self.file.get_mut().write_all(&bytes);
        written.map_err(|source| self.unwritable(source))?;
        self.end += bytes.len() as u64;
        Ok(at)
    }

    /// The line that starts at `at`.
    ///
    /// # Errors
    /// An input error where the file cannot be read.
    pub fn line_at(&mut self, at: u64) -> Result<Vec<u8>> {
        let mut line = Vec::new();
        let sought = self.file.seek(SeekFrom::Start(at));
        let read = sought.and_then(|_| self.file.read_until(b'\n', &mut line));
        read.map_err(|error| unreadable(&self.path, &error))?;
        line.pop();
        Ok(line)
    }

    fn unwritable(&self, source: std::io::Error) -> Error {
        Error::Write {
            path: self.path.clone(),
            source,
        }
    }
}

/// The lines of a journal, one after the other.
#[derive(Debug)]
pub struct Lines {
    path: PathBuf,
    reader: Take<BufReader<File>>,
    /// What was read last: a line, or what stands behind the last one.
    text: Vec<u8>,
    end: u64,
    count: usize,
}

/// A line of a journal.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// The file.
    pub path: &'a Path,
    /// Its number there, from 1.
    pub number: usize,
    /// Where it starts.
    pub at: u64,
    /// What stands there, without its end.
    pub text: &'a [u8],
}

impl Lines {
    /// The next line with an end; None after the last one.
    ///
    /// # Errors
    /// An input error where the file cannot be read.
    pub fn next_line(&mut self) -> Result<Option<Line<'_>>> {
        self.text.clear();
        let read = self.reader.read_until(b'\n', &mut self.text);
        read.map_err(|error| unreadable(&self.path, &error))?;
        if self.text.pop_if(|last| *last == b'\n').is_none() {
            return Ok(None);
        }
        let at = self.end;
        self.end += self.text.len() as u64 + 1;
        self.count += 1;
        Ok(Some(Line {
            path: &self.path,
            number: self.count,
            at,
            text: &self.text,
        }))
    }

    /// Where the lines read so far end.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// What stands behind the last line, once there is no further one.
    pub fn torn(&self) -> &[u8] {
        &self.text
    }
}

/// What the operating system refuses says nothing of what stands in the file.
fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    let problem = format!("the file cannot be read: {error}");
    let remedy = "the file stays as it is: make the same call again when it can be read";
    InputError::in_file(path, None, problem, remedy).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(path: &Path) -> Vec<String> {
        let journal = Journal::open_to_read(path).expect("readable");
        let mut lines = journal.expect("there").lines().expect("readable");
        let mut texts = Vec::new();
        while let Some(line) = lines.next_line().expect("readable") {
            texts.push(String::from_utf8_lossy(line.text).into_owned());
        }
        texts
    }

    #[test]
    fn a_journal_cut_anywhere_keeps_its_complete_lines() {
        let folder = tempfile::tempdir().expect("a folder");
        let whole = "header\nfirst line\nzweite Zeile: ü\nlast\n";
        for cut in 0..=whole.len() {
            let path = folder.path().join(format!("{cut}.jsonl"));
            std::fs::write(&path, &whole.as_bytes()[..cut]).expect("a file");
            {
                let mut journal = Journal::open_to_write(&path).expect("free");
                let mut lines = journal.lines().expect("readable");
                while lines.next_line().expect("readable").is_some() {}
                journal.cut(lines.end()).expect("writable");
                journal.append(b"more").expect("writable");
            }
            let mut expected: Vec<&str> = whole[..whole.floor_char_boundary(cut)]
                .split_inclusive('\n')
                .filter(|line| line.ends_with('\n'))
                .map(|line| line.trim_end())
                .collect();
            expected.push("more");
            assert_eq!(texts(&path), expected, "{cut}");
        }
    }

    #[test]
    fn lines_are_found_where_they_were_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("below").join("a.jsonl");
        let mut journal = Journal::open_to_write(&path).expect("free");
        let texts: Vec<String> = (0..5000).map(|i| format!("line {i}")).collect();
        let mut places = Vec::new();
        for text in &texts {
            places.push(journal.append(text.as_bytes()).expect("writable"));
        }
        for i in (0..5000).rev().chain([7, 4000, 8]) {
            let line = journal.line_at(places[i]).expect("readable");
            assert_eq!(line, texts[i].as_bytes());
        }
    }

    #[test]
    fn a_journal_is_written_by_one_at_a_time() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.jsonl");
        assert!(!Journal::is_being_written(&path));
        let first = Journal::open_to_write(&path).expect("free");
        assert!(Journal::is_being_written(&path));
        let second = Journal::open_to_write(&path).expect_err("locked");
        assert!(second.to_string().contains("another process"), "{second}");
        drop(first);
        assert!(!Journal::is_being_written(&path));
    }

    /// What the operating system refuses is no reason to move or delete anything.
    #[test]
    fn a_refusal_of_the_system_advises_nothing_rash() {
        let folder = tempfile::tempdir().expect("a folder");
        let read = Journal::open_to_read(folder.path());
        let read =
            read.and_then(|journal| journal.map(|mut journal| journal.line_at(0)).transpose());
        let written = Journal::open_to_write(folder.path()).map(drop);
        for error in [
            read.map(drop).expect_err("a folder"),
            written.expect_err("a folder"),
        ] {
            let text = error.to_string();
            assert!(text.contains("directory"), "{text}");
            assert!(
                !["move", "delete"].iter().any(|word| text.contains(word)),
                "{text}"
            );
        }
    }
}
