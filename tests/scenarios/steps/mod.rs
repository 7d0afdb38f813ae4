//! The steps of a scenario that change the world; `README.md` in this directory lists them for people.

mod checkpoints;
mod clusters;
mod files;
mod policy;
mod resources;

use crate::flink::Job;
use crate::names::job_id;
use crate::state::State;
use crate::words::{clauses, duration};

type Done = Result<(), String>;

/// A step, taken apart.
struct Words<'a> {
    /// Up to the first comma.
    head: Vec<&'a str>,
    options: Vec<&'a str>,
    text: &'a str,
    /// The manifest below it.
    block: &'a [String],
}

impl State {
    pub(crate) fn step(&mut self, text: &str, block: &[String]) -> Done {
        let (head, options) = clauses(text);
        let step = Words {
            head,
            options,
            text,
            block,
        };
        match step.head.as_slice() {
            ["wait", how_long] => {
                self.wait(duration(how_long)?);
                Ok(())
            }
            ["while", moment @ ("planning:" | "verifying:"), ..] => {
                let number = if *moment == "planning:" { 2 } else { 3 };
                let (_, later) = text.split_once(": ").unwrap_or_default();
                self.meanwhile.push((number, later.to_owned()));
                Ok(())
            }
            _ => {
                let known = self.resource_step(&step)?
                    || self.cluster_step(&step)?
                    || self.checkpoint_step(&step)?
                    || self.file_step(&step)?
                    || self.policy_step(&step)?;
                if known {
                    Ok(())
                } else {
                    Err("this is no step; README.md lists them".to_owned())
                }
            }
        }
    }

    fn find(&mut self, name: &str) -> Result<&mut Job, String> {
        self.jobs
            .get_mut(name)
            .ok_or_else(|| format!("there is no job {name}"))
    }

    /// The resource that runs a job id.
    fn running(&mut self, id: &str) -> Result<&mut Job, String> {
        let real = job_id(id);
        let found = self.jobs.values_mut().find(|job| job.current == real);
        found.ok_or_else(|| format!("no resource runs {id}; use `snapshot`"))
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text:?} is no number"))
}
