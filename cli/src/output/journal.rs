//! A file of lines that grows: what a long job has finished, kept at once.
//!
//! The first line is a header that says what the lines belong to; a line counts from its line
//! end on. A job that is killed, at any moment, leaves at most a torn last line, which the next
//! one cuts off. A machine that loses power may leave zeros where the file system had no time to
//! write: what stands before them counts. The file is locked while it is written, so that two jobs
//! never mix.

use crate::error::{Error, InputError, Result};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader, ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A journal that is being written.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    end: u64,
    was_cut_back: bool,
}

/// A journal that is read.
#[derive(Debug)]
pub struct JournalReader {
    path: PathBuf,
    reader: BufReader<File>,
    /// Where the reader stands.
    at: u64,
}

impl Journal {
    /// Opens the journal at `path` for writing, or begins it, with its folder. A torn last line is
    /// cut off.
    ///
    /// # Errors
    /// A usage error where another process writes to it; an input error where its header is
    /// another one than `header`; a write error where the file system refuses.
    pub fn open(path: &Path, header: &str) -> Result<Journal> {
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
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::Usage {
                    problem: format!("another process is writing to {}", path.display()),
                    remedy: "wait for it, or use another folder with --out DIR".into(),
                });
            }
            // File systems without locks are used at one's own risk.
            Err(TryLockError::Error(_)) => {}
        }
        let (end, was_cut_back) = complete_length(&file).map_err(failed)?;
        file.set_len(end).map_err(failed)?;
        let mut journal = Journal {
            path: path.to_owned(),
            file,
            end,
            was_cut_back,
        };
        if end == 0 {
            journal.append(header)?;
        } else if journal.reader()?.header()?.as_deref() != Some(header) {
            let problem = "the file belongs to something else than its name says";
            let remedy = "move it away";
            return Err(InputError::in_file(path, Some(1), problem, remedy).into());
        }
        Ok(journal)
    }

    /// Appends a line, without line ends of its own; gives back where it stands.
    ///
    /// # Errors
    /// A write error with what the operating system said.
    pub fn append(&mut self, line: &str) -> Result<u64> {
        let at = self.end;
        // One call, so that a line is torn by a crash of the machine at the worst.
        let bytes = [line.as_bytes(), b"\n"].concat();
        self.file.write_all(&bytes).map_err(|source| Error::Write {
            path: self.path.clone(),
            source,
        })?;
        self.end += bytes.len() as u64;
        Ok(at)
    }

    /// Whether zeros, and what stood behind them, were cut off.
    pub fn was_cut_back(&self) -> bool {
        self.was_cut_back
    }

    /// A reader of what is written so far.
    ///
    /// # Errors
    /// An input error where the file cannot be read.
    pub fn reader(&self) -> Result<JournalReader> {
        JournalReader::open(&self.path)
    }
}

/// Bytes up to the last line end, or to the last one before a zero; whether there is one.
fn complete_length(file: &File) -> std::io::Result<(u64, bool)> {
    let mut reader = BufReader::new(file);
    reader.seek(SeekFrom::Start(0))?;
    let (mut length, mut complete) = (0, 0);
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok((complete, false));
        }
        let zero = buffer.iter().position(|byte| *byte == 0);
        let text = &buffer[..zero.unwrap_or(buffer.len())];
        if let Some(place) = text.iter().rposition(|byte| *byte == b'\n') {
            complete = length + place as u64 + 1;
        }
        if zero.is_some() {
            return Ok((complete, true));
        }
        length += buffer.len() as u64;
        let used = buffer.len();
        reader.consume(used);
    }
}

impl JournalReader {
    /// Opens the journal at `path` for reading.
    ///
    /// # Errors
    /// An input error where the file cannot be read.
    pub fn open(path: &Path) -> Result<JournalReader> {
        let file = File::open(path).map_err(|error| unreadable(path, &error))?;
        Ok(JournalReader {
            path: path.to_owned(),
            reader: BufReader::new(file),
            at: 0,
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The header, of a reader that has read nothing else; None where the file has no complete
    /// line.
    ///
    /// # Errors
    /// An input error where the file cannot be read.
    pub fn header(&mut self) -> Result<Option<String>> {
        self.next_line()
    }

    /// Number of lines before `place`, of a reader that has read nothing else.
    ///
    /// # Errors
    /// An input error where the file cannot be read.
    pub fn lines_before(&mut self, place: u64) -> Result<usize> {
        let mut count = 0;
        while self.at < place && self.next_line()?.is_some() {
            count += 1;
        }
        Ok(count)
    }

    /// The line that starts at `place`.
    ///
    /// # Errors
    /// An input error where the file cannot be read, or no complete line starts there.
    pub fn line_at(&mut self, place: u64) -> Result<String> {
        // Both are far below 2^63. Relative: what is buffered stays so.
        let distance = place as i64 - self.at as i64;
        let moved = self.reader.seek_relative(distance);
        moved.map_err(|error| unreadable(&self.path, &error))?;
        self.at = place;
        self.next_line()?.ok_or_else(|| {
            let remedy = "it was changed while it was read, or is damaged: move it away";
            InputError::in_file(&self.path, None, "a line is missing", remedy).into()
        })
    }

    /// The next complete line; None at the end, or before zeros.
    ///
    /// # Errors
    /// An input error where the file cannot be read.
    pub fn next_line(&mut self) -> Result<Option<String>> {
        let mut line = String::new();
        let read = self.reader.read_line(&mut line);
        self.at += read.map_err(|error| unreadable(&self.path, &error))? as u64;
        let is_whole = line.pop() == Some('\n') && !line.contains('\0');
        Ok(is_whole.then_some(line))
    }

    /// Where the next line starts.
    pub fn place(&self) -> u64 {
        self.at
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    let problem = match error.kind() {
        ErrorKind::NotFound => "there is no such file".to_owned(),
        ErrorKind::InvalidData => "the file is not text".to_owned(),
        _ => format!("the file cannot be read: {error}"),
    };
    InputError::in_file(path, None, problem, "move it away, and it is written anew").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &Path) -> Vec<String> {
        let mut reader = JournalReader::open(path).unwrap_or_else(|error| panic!("{error}"));
        std::iter::from_fn(|| reader.next_line().ok().flatten()).collect()
    }

    #[test]
    fn a_journal_cut_anywhere_keeps_its_complete_lines() {
        let folder = tempfile::tempdir().expect("a folder");
        let whole = "header\nfirst line\nzweite Zeile: ü\nlast\n";
        for cut in 0..=whole.len() {
            let path = folder.path().join(format!("{cut}.jsonl"));
            std::fs::write(&path, &whole.as_bytes()[..cut]).expect("a file");
            {
                let mut journal = Journal::open(&path, "header").unwrap_or_else(|e| panic!("{e}"));
                journal.append("more").unwrap_or_else(|e| panic!("{e}"));
            }
            let mut expected: Vec<&str> = whole[..whole.floor_char_boundary(cut)]
                .split_inclusive('\n')
                .filter(|line| line.ends_with('\n'))
                .map(|line| line.trim_end())
                .collect();
            if expected.is_empty() {
                expected.push("header");
            }
            expected.push("more");
            assert_eq!(lines(&path), expected, "{cut}");
        }
    }

    /// After a loss of power the end of a file may read as zeros, even with text behind them.
    #[test]
    fn zeros_end_a_journal() {
        let folder = tempfile::tempdir().expect("a folder");
        for (number, tail) in ["\0\0\0", "half\0\0\0", "\0\0ine\nlater\n"]
            .iter()
            .enumerate()
        {
            let path = folder.path().join(format!("{number}.jsonl"));
            std::fs::write(&path, format!("header\nfirst\n{tail}")).expect("a file");
            assert_eq!(lines(&path), ["header", "first"]);
            let mut journal = Journal::open(&path, "header").unwrap_or_else(|e| panic!("{e}"));
            assert!(journal.was_cut_back());
            journal.append("more").unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(lines(&path), ["header", "first", "more"]);
        }
    }

    #[test]
    fn lines_are_found_at_their_places() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("below").join("a.jsonl");
        let mut journal = Journal::open(&path, "header").unwrap_or_else(|e| panic!("{e}"));
        let texts: Vec<String> = (0..5000).map(|i| format!("line {i}")).collect();
        let places: Vec<u64> = texts
            .iter()
            .map(|text| journal.append(text).unwrap_or_else(|e| panic!("{e}")))
            .collect();
        let mut reader = journal.reader().unwrap_or_else(|e| panic!("{e}"));
        for i in (0..5000).rev().chain([7, 4000, 8]) {
            let line = reader.line_at(places[i]).unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(line, texts[i]);
        }
        assert!(reader.line_at(1 << 40).is_err());
    }

    #[test]
    fn a_journal_is_written_by_one_at_a_time_and_for_one_thing() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.jsonl");
        let first = Journal::open(&path, "one").unwrap_or_else(|e| panic!("{e}"));
        let second = Journal::open(&path, "one").expect_err("locked");
        assert!(second.to_string().contains("another process"), "{second}");
        drop(first);
        let other = Journal::open(&path, "two").expect_err("another header");
        assert!(
            other.to_string().contains("belongs to something else"),
            "{other}"
        );
    }
}
