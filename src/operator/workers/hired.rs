//! A worker from its Job to its end. Whoever drops it sends it home.

use std::time::Duration;

use k8s_openapi::api::batch::v1::Job;
use kube::api::{DeleteParams, PostParams, Preconditions};
use kube::{Api, Client, Resource, ResourceExt};
use storage::Patience;
use tokio::time::Instant;
use wire::Connection;

use super::Workers;
use super::awaited::AwaitedJob;
use super::job::{For, LONGEST_RUN, job, local};
use super::not_working::{NotWorking, api_server};
use super::plan::WorkerPlan;
use super::volumes::Volumes;
use crate::api::RetentionRun;
use crate::engine::{Mode, Mount, Stores};

/// A worker that is connected.
#[derive(Debug)]
pub(in crate::operator) struct Hired {
    connection: Connection,
    plan: WorkerPlan,
    volumes: Volumes,
    /// Its Job, which ends with this.
    _job: MadeJob,
    since: Instant,
}

/// A Job that is deleted when this is dropped. Should this process die instead, its connection ends, and with it the worker.
struct MadeJob {
    jobs: Api<Job>,
    name: String,
    uid: String,
}

impl Hired {
    /// Makes the Job of a run and waits for its worker.
    pub(in crate::operator) async fn hire(
        client: Client,
        workers: &Workers,
        run: &RetentionRun,
        plan: WorkerPlan,
        mode: Mode,
    ) -> Result<Self, NotWorking> {
        let namespace = run.namespace().unwrap_or_default();
        let run_uid = run.uid().unwrap_or_default();
        let volumes = Volumes::look(client.clone(), &namespace, &plan).await?;
        let owner = run.controller_owner_ref(&()).map(|owner| {
            k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference {
                // A run can go without waiting for its worker.
                block_owner_deletion: None,
                ..owner
            }
        });
        let wanted = For {
            run: owner.unwrap_or_default(),
            mode,
            node: volumes.node.as_deref(),
        };
        let wished = job(workers, &plan, &wanted)?;
        let jobs: Api<Job> = Api::namespaced(client, &namespace);
        let begun = Instant::now();
        // Nobody is turned away while it is not known yet whom we wait for.
        let making = workers.awaited.making().await;
        let created = jobs.create(&PostParams::default(), &wished).await;
        let created = created.map_err(api_server("create the Job of a worker"))?;
        let own_job = MadeJob {
            name: created.name_any(),
            uid: created.uid().unwrap_or_default(),
            jobs,
        };
        let mut waiting = workers.awaited.wait_for(AwaitedJob {
            namespace: namespace.clone(),
            uid: own_job.uid.clone(),
        });
        drop(making);
        let late = volumes.why_late(&run_uid, begun, workers.start_within);
        let connection = tokio::select! {
            Some(connection) = waiting.connection() => connection,
            why = late => return Err(why),
        };
        tracing::info!(namespace, job = own_job.name, took = ?begun.elapsed(), "a worker works");
        Ok(Self {
            connection,
            plan,
            volumes,
            _job: own_job,
            since: begun,
        })
    }

    /// Makes its volumes reachable. A pod of the tenant's own may play the worker, so it is not waited for without end.
    pub(in crate::operator) fn mount_in(
        &self,
        stores: &mut Stores,
        patience: &Patience,
    ) -> Result<(), NotWorking> {
        for mount in &self.plan.mounts {
            let root = self.connection.root(&mount.path);
            let root = root.ok_or_else(|| NotWorking::NoRoot(mount.path.clone()))?;
            let mount = Mount {
                namespace: Some(self.volumes.namespace.clone()),
                remote: mount.path.clone(),
                local: local(&mount.path).into(),
            };
            let root = patience.volume(std::sync::Arc::new(root));
            stores.mount(mount, std::sync::Arc::new(root));
        }
        Ok(())
    }

    /// Who tells when it should stop.
    pub(in crate::operator) fn limits(&self) -> Limits {
        Limits {
            connection: self.connection.clone(),
            volumes: self.volumes.clone(),
            ends: self.since + Duration::from_secs(LONGEST_RUN.unsigned_abs()),
        }
    }
}

/// What a worker may not do: stay too long, or be in Flink's way.
#[derive(Debug)]
pub(in crate::operator) struct Limits {
    connection: Connection,
    volumes: Volumes,
    ends: Instant,
}

impl Limits {
    /// Ends when the worker has to. Then nothing is asked of it any more.
    pub(in crate::operator) async fn reached(&self) -> NotWorking {
        let why = tokio::select! {
            why = self.volumes.wanted_by_others() => why,
            () = tokio::time::sleep_until(self.ends) => NotWorking::TooLong,
        };
        self.connection.end();
        why
    }
}

impl std::fmt::Debug for MadeJob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { jobs: _, name, uid } = self;
        f.debug_struct("MadeJob")
            .field("name", name)
            .field("uid", uid)
            .finish()
    }
}

impl Drop for MadeJob {
    fn drop(&mut self) {
        let (jobs, name) = (self.jobs.clone(), self.name.clone());
        let how = DeleteParams {
            preconditions: Some(Preconditions {
                uid: Some(self.uid.clone()),
                resource_version: None,
            }),
            ..DeleteParams::background()
        };
        tokio::spawn(async move {
            if let Err(error) = jobs.delete(&name, &how).await {
                tracing::warn!(job = name, %error, "cannot delete the Job of a worker; it ends by itself");
            }
        });
    }
}
