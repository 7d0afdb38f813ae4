//! How a policy reaches its storage: as whom, and with which settings.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::names::object_name_validation;
use crate::api::schema::validation;

/// How the storage is reached. Exactly one identity: `secretRef`, `worker` or `operatorIdentity`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
// Applied as a whole: two managers must not end up with two identities.
#[schemars(extend("x-kubernetes-map-type" = "atomic"))]
#[schemars(extend("x-kubernetes-validations" = [
    validation(
        "[has(self.secretRef), has(self.worker), has(self.operatorIdentity)].filter(set, set).size() == 1",
        "set exactly one of secretRef, worker and operatorIdentity, for example `storage: {operatorIdentity: {}}`",
    ),
    validation(
        "!(has(self.operatorIdentity) && has(self.s3) && has(self.s3.endpoint))",
        "with operatorIdentity the administrator chooses the endpoint: remove `s3.endpoint`, or use secretRef",
    ),
    validation(
        "!(has(self.operatorIdentity) && has(self.gcs) && has(self.gcs.endpoint))",
        "with operatorIdentity the administrator chooses the endpoint: remove `gcs.endpoint`, or use secretRef",
    ),
    validation(
        "!(has(self.operatorIdentity) && has(self.azure) && has(self.azure.endpoint))",
        "with operatorIdentity the administrator chooses the endpoint: remove `azure.endpoint`, or use secretRef",
    ),
]))]
pub struct StorageAccess {
    /// Credentials from a Secret of this namespace. For S3 the keys `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, and
    /// `AWS_SESSION_TOKEN` if they have one. For Google Cloud Storage `GOOGLE_SERVICE_ACCOUNT_KEY` (the JSON of a service
    /// account's key) or `GOOGLE_OAUTH_ACCESS_TOKEN`. For Azure Storage `AZURE_STORAGE_ACCOUNT_NAME` and one of
    /// `AZURE_STORAGE_ACCOUNT_KEY`, `AZURE_STORAGE_SAS_TOKEN`, or `AZURE_TENANT_ID`, `AZURE_CLIENT_ID` and `AZURE_CLIENT_SECRET`
    /// together. It is read for each run, so a new value counts from the next run on.
    /// What they reach is for the store to say; the operator adds no rights of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretReference>,
    /// A Job in this namespace, for each run, that mounts the claims which the pod templates of `FlinkDeployments` here mount,
    /// as the same user. For `file:` only. The operator must be installed with `workers.enabled`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<WorkerIdentity>,
    /// The operator's own identity, within what the administrator granted to this namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator_identity: Option<OperatorIdentity>,
    /// Settings for S3 and stores that speak its protocol, for `secretRef`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3: Option<S3Access>,
    /// Settings for Google Cloud Storage, for `secretRef`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gcs: Option<GcsAccess>,
    /// Settings for Azure Storage, for `secretRef`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub azure: Option<AzureAccess>,
    /// At most so many requests to the storage in a second, by the runs of this policy. A listing counts one for each
    /// thousand entries. At a rate so low that a batch cannot be verified within two minutes nothing is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100_000), extend("format" = "int32"))]
    pub requests_per_second: Option<u32>,
}

impl StorageAccess {
    /// Where credentials may be sent to, as the policy says; each must have been granted.
    pub(crate) fn endpoints(&self) -> impl Iterator<Item = &String> {
        let Self {
            secret_ref: _,
            worker: _,
            operator_identity: _,
            s3,
            gcs,
            azure,
            requests_per_second: _,
        } = self;
        let s3 = s3.as_ref().and_then(|s3| s3.endpoint.as_ref());
        let gcs = gcs.as_ref().and_then(|gcs| gcs.endpoint.as_ref());
        let azure = azure.as_ref().and_then(|azure| azure.endpoint.as_ref());
        s3.into_iter().chain(gcs).chain(azure)
    }
}

/// A Secret of the policy's namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecretReference {
    /// The Secret's name.
    #[schemars(length(min = 1, max = 253), extend("x-kubernetes-validations" = [object_name_validation()]))]
    pub name: String,
}

/// Who the worker Job is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkerIdentity {
    /// The service account of the worker's pod. Without it the one of the Flink resource.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), extend("x-kubernetes-validations" = [object_name_validation()]))]
    pub service_account_name: Option<String>,
}

/// The operator's own identity. It has no settings: the administrator's grants decide what it reaches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OperatorIdentity {}

/// Settings for S3 and stores that speak its protocol.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct S3Access {
    /// The endpoint, for example `https://minio.storage:9000`, which the administrator must have granted. Without it that
    /// of AWS for the region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512), extend("x-kubernetes-validations" = [validation(
        "self.matches('^https?://[^/]+/?$')",
        "write the endpoint as a URL without a path, for example https://minio.storage:9000",
    )]))]
    pub endpoint: Option<String>,
    /// The region, for example `eu-central-1`; `us-east-1` without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64), regex(pattern = "^[A-Za-z0-9-]+$"))]
    pub region: Option<String>,
    /// Whether the bucket is part of the path (as by default) or of the host name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addressing: Option<Addressing>,
}

/// Settings for Google Cloud Storage.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GcsAccess {
    /// The endpoint, for example `https://storage.europe-west3.rep.googleapis.com`, which the administrator must have
    /// granted: who answers there is given the token. Without it `https://storage.googleapis.com`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512), extend("x-kubernetes-validations" = [validation(
        "self.matches('^(https://[^/]+|http://(localhost|127[.]0[.]0[.]1)(:[0-9]+)?)/?$')",
        "write the endpoint as a URL with https:// and without a path, for example https://storage.googleapis.com",
    )]))]
    pub endpoint: Option<String>,
}

/// Settings for Azure Blob Storage and Azure Data Lake Storage Gen2.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AzureAccess {
    /// The blob endpoint of the account in another cloud than Azure's public one, for example
    /// `https://<account>.blob.core.chinacloudapi.cn`, or an emulator that takes the account for the first part of the path.
    /// The administrator must have granted it. Without it `https://<account>.blob.core.windows.net`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512), extend("x-kubernetes-validations" = [validation(
        "self.matches('^(https://[^/]+|http://(localhost|127[.]0[.]0[.]1)(:[0-9]+)?)/?$')",
        "write the endpoint as a URL with https:// and without a path, for example https://state.blob.core.windows.net",
    )]))]
    pub endpoint: Option<String>,
}

/// Where the bucket's name goes in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Addressing {
    /// `https://host/bucket/key`.
    Path,
    /// `https://bucket.host/key`.
    VirtualHost,
}
