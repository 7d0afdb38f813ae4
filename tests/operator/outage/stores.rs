//! Stores that a test can treat badly, each as whoever the Secret of a tenant says.

use std::time::SystemTime;

use serde_json::{Value, json};
use storage::{Key, ObjectStorage};
use testbed::object_store::{AzureServer, GcsServer, Keeps, S3Server, SECRET_KEY};
use testbed::proxy::Proxy;

use crate::support::bucket::{Bucket, Kept, Server};

pub(super) trait Store: Server {
    /// Whether it asks for credentials at all.
    const ROTATES: bool = true;

    fn started() -> Self;
    fn proxy(&self) -> Proxy;
    /// What it has answered stays.
    fn kill(&mut self);
    fn restart(&mut self);
    /// Lets the tenant in.
    fn admit(&self, _bucket: &Bucket) {}
    /// The tenant's credentials as they are now.
    fn secret(&self) -> Value;
    /// What his policy says of where the store is.
    fn place(endpoint: &str) -> Value;
    /// What it says when it is asked too much, and what is told of that.
    fn slow_down() -> (&'static str, &'static str);
    /// From now on the tenant's credentials are others.
    fn rotate(&mut self);
}

const TENANT: &str = "tenant";
const ROTATED: &str = "rotated-secret";

/// The secret of a tenant is that of whoever may everything, until it is changed.
pub(super) struct S3 {
    server: S3Server,
    secret: &'static str,
}

impl Server for S3 {
    fn root(&self, bucket: &str) -> String {
        self.server.root(bucket)
    }

    fn make(&self, bucket: &str) {
        self.server.make(bucket);
    }

    fn kept(&self, bucket: &str, prefix: &Key) -> Kept {
        self.server.kept(bucket, prefix)
    }

    fn open(&self, bucket: &str, prefix: &Key) -> ObjectStorage {
        self.server.open(bucket, prefix)
    }

    fn write_as_of(&self, bucket: &str, name: &str, time: SystemTime, write: &dyn Fn()) {
        self.server.write_as_of(bucket, name, time, write);
    }
}

impl Store for S3 {
    fn started() -> Self {
        Self {
            server: S3Server::start().unwrap(),
            secret: SECRET_KEY,
        }
    }

    fn proxy(&self) -> Proxy {
        self.server.proxy().unwrap()
    }

    fn kill(&mut self) {
        self.server.kill();
    }

    fn restart(&mut self) {
        self.server.restart().unwrap();
    }

    fn admit(&self, bucket: &Bucket) {
        self.server.make_user(TENANT, self.secret).unwrap();
        self.server.give(&bucket.name, TENANT).unwrap();
    }

    fn secret(&self) -> Value {
        json!({"AWS_ACCESS_KEY_ID": TENANT, "AWS_SECRET_ACCESS_KEY": self.secret})
    }

    fn place(endpoint: &str) -> Value {
        json!({"s3": {"endpoint": endpoint}})
    }

    fn slow_down() -> (&'static str, &'static str) {
        let says = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>SlowDown</Code>\
            <Message>Reduce your request rate</Message></Error>";
        (says, "SlowDown")
    }

    fn rotate(&mut self) {
        self.secret = ROTATED;
        self.server.change_secret(TENANT, self.secret).unwrap();
    }
}

impl Store for GcsServer {
    const ROTATES: bool = false;

    fn started() -> Self {
        Self::start(Keeps::OnDisk).unwrap()
    }

    fn proxy(&self) -> Proxy {
        self.proxy().unwrap()
    }

    fn kill(&mut self) {
        self.kill();
    }

    fn restart(&mut self) {
        self.restart().unwrap();
    }

    fn secret(&self) -> Value {
        json!({"GOOGLE_OAUTH_ACCESS_TOKEN": "token"})
    }

    fn place(endpoint: &str) -> Value {
        json!({"gcs": {"endpoint": endpoint}})
    }

    fn slow_down() -> (&'static str, &'static str) {
        let says = r#"{"error": {"code": 503, "message": "Backend Error",
            "errors": [{"domain": "global", "reason": "backendError", "message": "Backend Error"}]}}"#;
        (says, "backendError")
    }

    fn rotate(&mut self) {
        unreachable!("it lets in everybody");
    }
}

impl Store for AzureServer {
    fn started() -> Self {
        Self::start(Keeps::OnDisk).unwrap()
    }

    fn proxy(&self) -> Proxy {
        self.proxy().unwrap()
    }

    /// It writes down what it has answered only some seconds later, or when it is told to end.
    fn kill(&mut self) {
        self.stop().unwrap();
    }

    fn restart(&mut self) {
        self.restart().unwrap();
    }

    fn secret(&self) -> Value {
        json!({"AZURE_STORAGE_ACCOUNT_NAME": Self::ACCOUNT, "AZURE_STORAGE_ACCOUNT_KEY": self.key()})
    }

    fn place(endpoint: &str) -> Value {
        json!({"azure": {"endpoint": endpoint}})
    }

    fn slow_down() -> (&'static str, &'static str) {
        let says = "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>ServerBusy</Code>\
            <Message>The server is busy.</Message></Error>";
        (says, "ServerBusy")
    }

    /// It knows the key that it was started with.
    fn rotate(&mut self) {
        self.stop().unwrap();
        self.change_key(ROTATED);
        self.restart().unwrap();
    }
}
