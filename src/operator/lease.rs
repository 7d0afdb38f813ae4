//! One process works, the others wait: a Lease of `coordination.k8s.io/v1`.
//!
//! Losing the lease ends the process: what it was doing may be done by another one at that moment. A holder is given up
//! only after its lease was *seen* unchanged for its whole duration, by the clock of this process: clocks of machines
//! are not compared.

mod decision;

use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::Api;
use kube::api::PostParams;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::engine::Clock;
use crate::engine::journal::LeaseTerm;
use decision::{Decision, Watched, decide};

/// How the lease is held.
#[derive(Clone, Debug)]
pub struct LeaseSettings {
    pub name: String,
    pub identity: String,
    pub duration: Duration,
}

/// The lease while we hold it.
#[derive(Debug)]
pub struct Held {
    settings: LeaseSettings,
    api: Api<Lease>,
    lease: Lease,
    renewed: Instant,
}

/// The lease is not ours any more.
#[derive(Debug, thiserror::Error)]
pub enum LeaseLost {
    #[error("the lease {name} was taken by {holder}")]
    Taken { name: String, holder: String },
    #[error("the lease {name} could not be renewed for {seconds} s: {why}")]
    NotRenewed {
        name: String,
        seconds: u64,
        why: String,
    },
}

/// Waits until the lease is ours, or `stop`.
pub async fn acquire(
    api: Api<Lease>,
    settings: LeaseSettings,
    clock: &dyn Clock,
    stop: &CancellationToken,
) -> Option<Held> {
    let mut watched = Watched::default();
    let mut waiting_for = None;
    while !stop.is_cancelled() {
        let tried = Instant::now();
        let attempt = attempt(&api, &settings, &mut watched, clock);
        let pause = match timeout(settings.duration, attempt).await {
            Ok(Ok(Attempt::Acquired(lease))) => {
                return Some(Held {
                    settings,
                    api,
                    lease: *lease,
                    renewed: tried,
                });
            }
            Ok(Ok(Attempt::HeldBy(holder))) => {
                if waiting_for.as_ref() != Some(&holder) {
                    tracing::info!(lease = settings.name, holder, "standing by for the lease");
                    waiting_for = Some(holder);
                }
                settings.duration / 5
            }
            Ok(Err(error)) => {
                tracing::warn!(lease = settings.name, %error, "cannot ask for the lease; trying again");
                settings.duration / 5
            }
            Err(_) => {
                tracing::warn!(
                    lease = settings.name,
                    "the API server does not answer about the lease; trying again"
                );
                settings.duration / 5
            }
        };
        tokio::select! {
            () = sleep(jittered(pause, &settings.identity, tried)) => {}
            () = stop.cancelled() => {}
        }
    }
    None
}

impl Held {
    /// The lease, and how often it has changed hands: what tells one holder from the next. None where the API server
    /// gave the lease no uid.
    #[must_use]
    pub fn term(&self) -> Option<LeaseTerm> {
        let spec = self.lease.spec.as_ref();
        Some(LeaseTerm {
            lease: self.lease.metadata.uid.clone()?,
            number: spec.and_then(|spec| spec.lease_transitions).unwrap_or(0),
        })
    }

    /// Renews until the lease is lost, or until `release`, when it is given back so that the next one need not wait.
    pub async fn keep(
        mut self,
        clock: &dyn Clock,
        release: CancellationToken,
    ) -> Result<(), LeaseLost> {
        let period = self.settings.duration / 3;
        loop {
            tokio::select! {
                () = sleep(period) => self.renew(clock).await?,
                () = release.cancelled() => {
                    self.release(clock).await;
                    return Ok(());
                }
            }
        }
    }

    /// Tries until two thirds of the duration are over: others may take the lease when all of it is.
    async fn renew(&mut self, clock: &dyn Clock) -> Result<(), LeaseLost> {
        let deadline = self.renewed + self.settings.duration * 2 / 3;
        let mut why = "no answer".to_owned();
        loop {
            let tried = Instant::now();
            if tried >= deadline {
                return Err(LeaseLost::NotRenewed {
                    name: self.settings.name.clone(),
                    seconds: self.renewed.elapsed().as_secs(),
                    why,
                });
            }
            let renewed = self.renewed_lease(clock);
            let how = PostParams::default();
            let request = self.api.replace(&self.settings.name, &how, &renewed);
            match timeout(deadline - tried, request).await {
                Ok(Ok(lease)) => {
                    self.lease = lease;
                    self.renewed = tried;
                    return Ok(());
                }
                Ok(Err(error)) => {
                    why = error.to_string();
                    if is_conflict(&error) {
                        self.look_again(deadline).await?;
                    }
                }
                Err(_) => "the API server does not answer".clone_into(&mut why),
            }
            sleep(jittered(
                self.settings.duration / 15,
                &self.settings.identity,
                tried,
            ))
            .await;
        }
    }

    fn renewed_lease(&self, clock: &dyn Clock) -> Lease {
        let mut lease = self.lease.clone();
        lease.spec.get_or_insert_default().renew_time = Some(MicroTime(clock.now()));
        lease
    }

    /// Somebody has written: another holder, or something that left us the lease.
    async fn look_again(&mut self, deadline: Instant) -> Result<(), LeaseLost> {
        let Ok(Ok(lease)) =
            tokio::time::timeout_at(deadline, self.api.get(&self.settings.name)).await
        else {
            return Ok(());
        };
        let holder = holder(&lease).unwrap_or_default().to_owned();
        if holder != self.settings.identity {
            return Err(LeaseLost::Taken {
                name: self.settings.name.clone(),
                holder,
            });
        }
        self.lease = lease;
        Ok(())
    }

    async fn release(self, clock: &dyn Clock) {
        let mut lease = self.renewed_lease(clock);
        lease.spec.get_or_insert_default().holder_identity = None;
        let how = PostParams::default();
        let request = self.api.replace(&self.settings.name, &how, &lease);
        match timeout(self.settings.duration, request).await {
            Ok(Ok(_)) => tracing::info!(lease = self.settings.name, "gave the lease back"),
            Ok(Err(error)) => {
                tracing::warn!(lease = self.settings.name, %error, "could not give the lease back");
            }
            Err(_) => tracing::warn!(
                lease = self.settings.name,
                "could not give the lease back in time"
            ),
        }
    }
}

enum Attempt {
    Acquired(Box<Lease>),
    HeldBy(String),
}

async fn attempt(
    api: &Api<Lease>,
    settings: &LeaseSettings,
    watched: &mut Watched,
    clock: &dyn Clock,
) -> Result<Attempt, kube::Error> {
    let found = api.get_opt(&settings.name).await?;
    let spec = found.as_ref().and_then(|lease| lease.spec.as_ref());
    let transitions = match decide(spec, &settings.identity, watched, Instant::now()) {
        Decision::Wait { holder } => return Ok(Attempt::HeldBy(holder)),
        Decision::Take { transitions } => transitions,
    };
    let spec = LeaseSpec {
        holder_identity: Some(settings.identity.clone()),
        lease_duration_seconds: i32::try_from(settings.duration.as_secs()).ok(),
        acquire_time: Some(MicroTime(clock.now())),
        renew_time: Some(MicroTime(clock.now())),
        lease_transitions: Some(transitions),
        ..LeaseSpec::default()
    };
    // The resource version of what we looked at goes along: if another one was faster, this is a conflict.
    let how = PostParams::default();
    let written = if let Some(lease) = found {
        let lease = Lease {
            spec: Some(spec),
            ..lease
        };
        api.replace(&settings.name, &how, &lease).await
    } else {
        let metadata = ObjectMeta {
            name: Some(settings.name.clone()),
            ..ObjectMeta::default()
        };
        let lease = Lease {
            metadata,
            spec: Some(spec),
        };
        api.create(&how, &lease).await
    };
    match written {
        Ok(lease) => Ok(Attempt::Acquired(Box::new(lease))),
        Err(error) if is_conflict(&error) => Ok(Attempt::HeldBy("another process".to_owned())),
        Err(error) => Err(error),
    }
}

fn holder(lease: &Lease) -> Option<&str> {
    lease
        .spec
        .as_ref()?
        .holder_identity
        .as_deref()
        .filter(|holder| !holder.is_empty())
}

fn is_conflict(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 409)
}

/// Up to a half longer, by name and moment, so that candidates do not come all at once.
fn jittered(pause: Duration, identity: &str, moment: Instant) -> Duration {
    pause + pause.mul_f64(super::jitter::fraction(identity, moment) / 2.0)
}
