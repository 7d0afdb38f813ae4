'use strict';

// Azurite's blob service, in which the objects of a container can be of another time than now: of the one that the file
// of the container's name says, in the directory TIMES, while they are written. A page of a listing has at most a thousand names.

const fs = require('node:fs');
const path = require('node:path');

const service = path.join(__dirname, 'node_modules', 'azurite', 'dist', 'src', 'blob');
const Store = require(path.join(service, 'persistence', 'LokiBlobMetadataStore')).default;

function timeOf(container) {
    try {
        return new Date(fs.readFileSync(path.join(process.env.TIMES, container), 'utf8'));
    } catch (error) {
        if (error.code === 'ENOENT') return undefined;
        throw error;
    }
}

const create = Store.prototype.createBlob;
Store.prototype.createBlob = async function (context, blob, ...conditions) {
    const time = timeOf(blob.containerName);
    if (time) blob.properties.lastModified = time;
    return create.call(this, context, blob, ...conditions);
};

// Azure, too, ends a page where it likes. Then three pages are soon written.
require(path.join(service, 'utils', 'constants')).DEFAULT_LIST_BLOBS_MAX_RESULTS = 1000;

require(path.join(service, 'main.js'));
