//! Every byte of a file, or an error.

use std::path::{Path, PathBuf};

use storage::Storage;
use storage::contract::Fixture;
use testbed::hdfs::HdfsServer;

use crate::fixture::{Hdfs, key};

/// Three blocks, and ranges over their ends.
#[tokio::test]
async fn every_byte_of_every_block_is_read() {
    let hdfs = Hdfs::new().await;
    let file = key("chk-1/_metadata");
    let bytes: Vec<u8> = (0..(2_u32 << 20) + 12_345)
        .map(|number| number.to_le_bytes().iter().fold(7, |sum, byte| sum ^ byte))
        .collect();
    hdfs.write(&file, &bytes).await;
    assert_eq!(hdfs.store.read(&file, u64::MAX).await.unwrap().bytes, bytes);
    for (offset, length) in [
        ((1 << 20) - 5, 10),
        ((1 << 20) - 1, 1 << 20),
        (1 << 20, 1),
        (600, 513),
    ] {
        let read = hdfs
            .store
            .read_range(&file, offset as u64, length as u64)
            .await;
        assert_eq!(read.unwrap().bytes, bytes[offset..offset + length]);
    }
}

#[tokio::test]
async fn a_lost_or_cut_block_is_an_error_and_never_a_shorter_file() {
    let server = HdfsServer::start().unwrap();
    let hdfs = Hdfs::at(&server).await;
    let (lost, cut) = (key("lost"), key("cut"));
    hdfs.write(&cut, &vec![1; 5_000]).await;
    for block in blocks(&server.data()) {
        let file = std::fs::File::options().write(true).open(block).unwrap();
        file.set_len(2_000).unwrap();
    }
    let before = blocks(&server.data());
    hdfs.write(&lost, &vec![2; 5_000]).await;
    for block in blocks(&server.data()) {
        if !before.contains(&block) {
            std::fs::remove_file(block).unwrap();
        }
    }
    for file in [lost, cut] {
        let size = hdfs.store.stat(&file).await.unwrap().unwrap().version.size;
        assert_eq!(size, 5_000);
        for read in [
            hdfs.store.read(&file, u64::MAX).await,
            hdfs.store.read_range(&file, 0, 4_000).await,
        ] {
            let error = read.unwrap_err();
            assert_eq!(error.category(), "unavailable", "{error}");
        }
    }
}

fn blocks(directory: &Path) -> Vec<PathBuf> {
    let mut blocks = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() {
            blocks.extend(self::blocks(&path));
        } else if name.starts_with("blk_") && !name.contains('.') {
            blocks.push(path);
        }
    }
    blocks
}
