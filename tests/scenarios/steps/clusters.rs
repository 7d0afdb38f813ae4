//! What clusters answer: JobManagers, pods, high-availability data, the API server.

use super::{Done, Words, number};
use crate::names::job_id;
use crate::state::{HaMap, NAMESPACE, State};
use flink_retention::observe::Unread;

impl State {
    /// False if it is no step of this kind.
    pub(super) fn cluster_step(&mut self, step: &Words<'_>) -> Result<bool, String> {
        let Words {
            head,
            text,
            options: _,
            block: _,
        } = step;
        let done: Done = match head.as_slice() {
            ["rest", name, field, value @ ..] => self.find(name)?.rest.set(field, &value.join(" ")),
            ["cluster", name, "runs", id, state] => {
                let jobs = self.clusters.entry((*name).to_owned()).or_default();
                let id = job_id(id).parse().map_err(|_| "no job id")?;
                jobs.insert(id, (*state).to_owned());
                Ok(())
            }
            ["processes", "unread", why @ ..] => {
                self.processes_unread = Some(why.join(" "));
                Ok(())
            }
            ["processes", name, word] => {
                self.find(name)?.processes = *word == "present";
                Ok(())
            }
            ["ha", name, rest @ ..] => self.high_availability(name, rest),
            ["unread", ..] => {
                let (what, why) = text["unread ".len()..]
                    .split_once(": ")
                    .ok_or("write `unread WHAT: WHY`")?;
                self.unread.push(Unread {
                    what: what.to_owned(),
                    namespace: Some(NAMESPACE.to_owned()),
                    why: why.to_owned(),
                });
                Ok(())
            }
            _ => return Ok(false),
        };
        done.map(|()| true)
    }

    fn high_availability(&mut self, name: &str, rest: &[&str]) -> Done {
        let map_name = self.find(name)?.map_name();
        if rest == ["removed"] {
            self.maps.remove(&map_name);
            return Ok(());
        }
        let map = self.maps.entry(map_name).or_default();
        let entry = |map: &mut HaMap, id: &str| -> Result<u64, String> {
            let id = number(id)?;
            map.entries
                .get(&id)
                .map(|_| id)
                .ok_or_else(|| "there is no such entry".to_owned())
        };
        match rest {
            ["forbidden", why @ ..] => map.forbidden = Some(why.join(" ")),
            ["readable"] => map.forbidden = None,
            ["uid", uid] => (*uid).clone_into(&mut map.uid),
            ["counter", value] => map.counter = value.parse().ok(),
            ["garbage", id] => {
                let id = entry(map, id)?;
                map.entries
                    .entry(id)
                    .and_modify(|entry| entry.garbage = true);
            }
            ["mark", id] => {
                let id = entry(map, id)?;
                map.entries
                    .entry(id)
                    .and_modify(|entry| entry.marked = true);
            }
            ["forget", id] => {
                let id = entry(map, id)?;
                map.entries.remove(&id);
            }
            ["without", "blob", id] => {
                let id = entry(map, id)?;
                let blob = map.entries[&id].blob.clone();
                self.remove(&blob);
            }
            _ => return Err("high availability has no such step".to_owned()),
        }
        Ok(())
    }
}
