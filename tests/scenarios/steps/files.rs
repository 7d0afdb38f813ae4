//! Files, as anybody else leaves them, and stores that fail.

use super::{Done, Words, number};
use crate::state::{BASE, State, StoreFault, directory, identity, locate};
use crate::words::{clauses, duration};
use jiff::{SignedDuration, Timestamp};
use retention::location::Location;
use storage::Operation;
use storage::faults::{Failure, Fault};
use storage::memory::Node;

impl State {
    /// False if it is no step of this kind.
    pub(super) fn file_step(&mut self, step: &Words<'_>) -> Result<bool, String> {
        let Words {
            head,
            options,
            text: _,
            block: _,
        } = step;
        let done: Done = match head.as_slice() {
            ["file", paths @ ..] => self.files_of(paths, options),
            ["link", path] => {
                let location = self.either(path);
                self.put(&location, Node::Symlink, SignedDuration::ZERO);
                Ok(())
            }
            ["directory", path] => {
                let location = directory(path);
                self.put(&location, Node::Directory, SignedDuration::ZERO);
                Ok(())
            }
            ["remove", paths @ ..] => {
                for path in paths {
                    let location = self.either(path);
                    self.remove(&location);
                }
                Ok(())
            }
            ["copy", from, "to", to] => self.copy(from, to),
            ["truncate", path, size] => {
                let location = self.file(path);
                let mut bytes = self.read(&location).ok_or("there is no such file")?;
                bytes.truncate(number(size)?);
                self.put(&location, Node::File(bytes.into()), SignedDuration::ZERO);
                Ok(())
            }
            ["newer", path, version] => {
                let location = self.file(path);
                let mut bytes = self.read(&location).ok_or("there is no such file")?;
                let version: i32 = number(version)?;
                bytes[4..8].copy_from_slice(&version.to_be_bytes());
                self.put(&location, Node::File(bytes.into()), SignedDuration::ZERO);
                Ok(())
            }
            ["touch", path, time @ ..] => self.touch(path, time),
            ["store", "versioned"] => {
                let (storage, _) = self.store(&locate(BASE));
                storage.keep_versions();
                Ok(())
            }
            ["bring", "back", paths @ ..] => {
                for path in paths {
                    let file = self.file(path);
                    let (storage, key) = self.store(&file);
                    if !storage.bring_back(&key) {
                        return Err(format!("{path} has no previous version"));
                    }
                }
                Ok(())
            }
            ["store", "ahead", by] => {
                self.store_ahead(duration(by)?);
                Ok(())
            }
            ["store", "behind", by] => {
                self.store_ahead(-duration(by)?);
                Ok(())
            }
            ["fault", operation, key, fault @ ..] => self.fault(operation, key, fault),
            ["heal"] => {
                self.faults.lock().unwrap().clear();
                self.unread.clear();
                self.processes_unread = None;
                Ok(())
            }
            _ => return Ok(false),
        };
        done.map(|()| true)
    }

    fn files_of(&mut self, paths: &[&str], options: &[&str]) -> Done {
        let (mut age, mut size) = (SignedDuration::ZERO, 100);
        let mut link = false;
        for option in options {
            match clauses(option).0.as_slice() {
                [how_old, "old"] => age = duration(how_old)?,
                [bytes, "bytes"] => size = number(bytes)?,
                ["as", "a", "link"] => link = true,
                _ => return Err(format!("a file has no option {option:?}")),
            }
        }
        for path in paths {
            let location = self.file(path);
            let node = if link {
                Node::Symlink
            } else {
                Node::File(vec![0; size].into())
            };
            self.put(&location, node, age);
        }
        Ok(())
    }

    /// A file if one of this name was made, else a directory.
    fn either(&mut self, path: &str) -> Location {
        let file = self.file(path);
        let (storage, key) = self.store(&file);
        if storage.contains(&key) {
            file
        } else {
            directory(path)
        }
    }

    fn copy(&mut self, from: &str, to: &str) -> Done {
        let (source, target) = (directory(from), directory(to));
        let (from, to) = (identity(&source), identity(&target));
        self.names.copied(&from, &to);
        for file in self.files() {
            let Some(relative) = file.relative_to(&source) else {
                continue;
            };
            let (relative, bytes) = (relative.to_owned(), self.read(&file).ok_or("it is there")?);
            let copied = target.join(&relative);
            let names = self.named.get(&file.to_string()).cloned();
            // Relative handles follow the copy, absolute ones stay.
            let names = names.map(|names| {
                names
                    .into_iter()
                    .map(|name| {
                        let own = locate(&name)
                            .relative_to(&source)
                            .map(|own| target.join(own).to_string());
                        own.unwrap_or(name)
                    })
                    .collect()
            });
            if let Some(names) = names {
                self.named.insert(copied.to_string(), names);
            }
            self.put(&copied, Node::File(bytes.into()), SignedDuration::ZERO);
        }
        Ok(())
    }

    fn touch(&mut self, path: &str, time: &[&str]) -> Done {
        let location = self.file(path);
        let bytes = self.read(&location).ok_or("there is no such file")?;
        let now = self.now;
        let time = match time {
            ["epoch"] => Timestamp::UNIX_EPOCH,
            ["in", how_long] => now
                .checked_add(duration(how_long)?)
                .map_err(|error| error.to_string())?,
            [age, "ago"] => now
                .checked_sub(duration(age)?)
                .map_err(|error| error.to_string())?,
            _ => return Err("write `epoch`, `in 2h` or `2h ago`".to_owned()),
        };
        self.put_at(&location, Node::File(bytes.into()), time);
        Ok(())
    }

    fn fault(&mut self, operation: &str, key: &str, fault: &[&str]) -> Done {
        let operation = match operation {
            "list" => Operation::List,
            "read" => Operation::Read,
            "stat" => Operation::Stat,
            "delete" => Operation::Delete,
            "write" => Operation::Write,
            _ => return Err("operations are list, read, stat, delete and write".to_owned()),
        };
        let failure = |word: &str| match word {
            "forbidden" => Ok(Failure::PermissionDenied),
            "unavailable" => Ok(Failure::Unavailable),
            "missing" => Ok(Failure::NotFound),
            _ => Err(format!("{word} is no failure")),
        };
        let fault = match fault {
            [word] => Fault::Fail(failure(word)?),
            [word, "after", entries] => Fault::BreakListing {
                after: number(entries)?,
                failure: failure(word)?,
            },
            _ => return Err("write `forbidden`, or `unavailable after 2`".to_owned()),
        };
        let key = self.either(key).path().trim_start_matches('/').to_owned();
        self.faults.lock().unwrap().push(StoreFault {
            operation,
            key,
            fault,
        });
        Ok(())
    }
}
