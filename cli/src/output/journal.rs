//! A file of lines that grows: what a long job has finished, kept at once.
//!
//! A line counts from its line end on: a job that is killed, at any moment, leaves at most a torn
//! last line, which the next one cuts off. The file is locked while it is written, so that two
//! jobs never mix.

use crate::error::{Error, InputError, Result};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A journal.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: BufReader<File>,
    /// Where the file is read without seeking; None once it was written to.
    reads_at: Option<u64>,
    /// Where the next line is appended: what stood there when the file was opened, and what was
    /// appended since.
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
        let mut options = OpenOptions::new();
        let options = options.create(true).read(true).append(true);
        let folder = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        let file = folder
            .and_then(|()| options.open(path))
            .map_err(Error::write(path))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Err(Error::usage(
                format!("another process is writing to {}", path.display()),
                "wait for it, or use another folder with --out DIR",
            )),
            // File systems without locks are used at one's own risk.
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Journal::new(path, file)),
        }
    }

    fn new(path: &Path, file: File) -> Journal {
        Journal {
            path: path.to_owned(),
            end: file.metadata().map_or(0, |data| data.len()),
            file: BufReader::new(file),
            reads_at: None,
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

    /// Cuts the file off at `end`: what stands behind it, a torn line, never counted.
    ///
    /// # Errors
    /// A write error.
    pub fn cut(&mut self, end: u64) -> Result<()> {
        (self.reads_at, self.end) = (None, end);
        let cut = self.file.get_ref().set_len(end);
        cut.map_err(Error::write(&self.path))
    }

    /// Appends a line, without line ends of its own; gives back where it starts.
    ///
    /// # Errors
    /// A write error.
    pub fn append(&mut self, line: &[u8]) -> Result<u64> {
        let at = self.end;
        // One call, so that a kill tears one line at the worst.
        let bytes = [line, b"\n"].concat();
        self.reads_at = None;
        let written = self.file.get_mut().write_all(&bytes);
        written.map_err(Error::write(&self.path))?;
        self.end += bytes.len() as u64;
        Ok(at)
    }

    /// What stands from `at` on up to the end of a line, that end included: without one the line is
    /// torn, or there is none. Lines that follow each other are read without seeking.
    ///
    /// # Errors
    /// An input error where the file cannot be read.
    pub fn line_at(&mut self, at: u64) -> Result<Vec<u8>> {
        let mut line = Vec::new();
        let sought = match self.reads_at == Some(at) {
            true => Ok(at),
            false => self.file.seek(SeekFrom::Start(at)),
        };
        // What grew behind the known end, or a device without one, is not read.
        let mut rest = self.file.by_ref().take(self.end.saturating_sub(at));
        let read = sought.and_then(|_| rest.read_until(b'\n', &mut line));
        let read = read.map_err(|error| unreadable(&self.path, &error))?;
        self.reads_at = Some(at + read as u64);
        Ok(line)
    }

    /// Goes on to the next line, from the first one on; whether it has an end.
    ///
    /// # Errors
    /// An input error where the file cannot be read.
    pub fn advance(&mut self, line: &mut Line) -> Result<bool> {
        (line.number, line.at) = (line.number + 1, line.end);
        line.text = self.line_at(line.at)?;
        line.end += line.text.len() as u64;
        let has_end = line.text.pop_if(|last| *last == b'\n').is_some();
        Ok(has_end)
    }
}

/// A line of a journal.
#[derive(Debug, Default)]
pub struct Line {
    /// Its number, from 1.
    pub number: usize,
    /// Where it starts.
    pub at: u64,
    /// What stands there, without its end.
    pub text: Vec<u8>,
    /// Where the next one starts.
    end: u64,
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

    /// The lines with an end, and where they end.
    fn lines(journal: &mut Journal) -> (Vec<String>, u64) {
        let (mut texts, mut line) = (Vec::new(), Line::default());
        while journal.advance(&mut line).expect("readable") {
            texts.push(String::from_utf8_lossy(&line.text).into_owned());
        }
        (texts, line.at)
    }

    fn texts(path: &Path) -> Vec<String> {
        let journal = Journal::open_to_read(path).expect("readable");
        lines(&mut journal.expect("there")).0
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
                let (_, end) = lines(&mut journal);
                journal.cut(end).expect("writable");
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
            assert_eq!(line, format!("{}\n", texts[i]).as_bytes());
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
