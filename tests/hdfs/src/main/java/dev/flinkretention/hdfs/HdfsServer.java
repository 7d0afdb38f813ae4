package dev.flinkretention.hdfs;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.SafeModeAction;
import org.apache.hadoop.fs.permission.FsPermission;
import org.apache.hadoop.hdfs.DistributedFileSystem;
import org.apache.hadoop.hdfs.HdfsConfiguration;
import org.apache.hadoop.hdfs.MiniDFSCluster;
import org.apache.hadoop.hdfs.MiniDFSNNTopology;
import org.apache.hadoop.hdfs.server.namenode.NameNode;

/**
 * A Hadoop file system in one process: {@code <directory> <control port> <port of a NameNode>...}. With two NameNodes it
 * is highly available, as the nameservice {@code ha}. What no client of HDFS can do for a test is asked for over HTTP at
 * the control port, which answers as soon as the file system does.
 */
public final class HdfsServer {
    /** Who the tests are; the superuser, which this process is, may do anything. */
    private static final String USER = "flink";

    private final MiniDFSCluster cluster;
    private final Map<String, FSDataOutputStream> open = new HashMap<>();

    private HdfsServer(MiniDFSCluster cluster) {
        this.cluster = cluster;
    }

    public static void main(String[] arguments) throws Exception {
        File directory = new File(arguments[0]);
        int control = Integer.parseInt(arguments[1]);
        List<Integer> ports = new ArrayList<>();
        for (int position = 2; position < arguments.length; position++) {
            ports.add(Integer.valueOf(arguments[position]));
        }
        boolean isNew = !new File(directory, "data").exists();
        HdfsServer server = new HdfsServer(start(directory, ports, isNew));
        if (isNew) {
            server.files().mkdirs(new Path("/" + USER));
            server.files().setOwner(new Path("/" + USER), USER, USER);
            // Where trash goes.
            server.files().mkdirs(new Path("/user/" + USER));
            server.files().setOwner(new Path("/user/" + USER), USER, USER);
        }
        HttpServer http = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), control), 0);
        http.createContext("/", server::answer);
        http.start();
    }

    private static MiniDFSCluster start(File directory, List<Integer> ports, boolean isNew) throws IOException {
        // The NameNode refuses links unless told so within its own process.
        FileSystem.enableSymlinks();
        Configuration configuration = new HdfsConfiguration();
        configuration.setInt("dfs.replication", 2);
        configuration.setLong("dfs.blocksize", 1 << 20);
        // Pages of listings.
        configuration.setInt("dfs.ls.limit", 100);
        // Minutes; none is no trash.
        configuration.setInt("fs.trash.interval", Integer.getInteger("fs.trash.interval"));
        // A file that a killed writer left open is closed soon.
        configuration.setInt("dfs.heartbeat.interval", 1);
        MiniDFSCluster.Builder builder =
                new MiniDFSCluster.Builder(configuration, directory)
                        .numDataNodes(2)
                        .format(isNew)
                        .checkExitOnShutdown(false);
        if (ports.size() == 1) {
            builder.nameNodePort(ports.get(0));
        } else {
            MiniDFSNNTopology.NSConf nameservice = new MiniDFSNNTopology.NSConf("ha");
            for (int number = 0; number < ports.size(); number++) {
                nameservice.addNN(new MiniDFSNNTopology.NNConf("nn" + number).setIpcPort(ports.get(number)));
            }
            builder.nnTopology(new MiniDFSNNTopology().addNameservice(nameservice));
        }
        MiniDFSCluster cluster = builder.build();
        if (ports.size() > 1) {
            cluster.transitionToActive(0);
        }
        cluster.waitActive();
        return cluster;
    }

    private DistributedFileSystem files() throws IOException {
        for (int number = 0; number < cluster.getNumNameNodes(); number++) {
            NameNode nameNode = cluster.getNameNode(number);
            if (nameNode != null && nameNode.isActiveState()) {
                return cluster.getFileSystem(number);
            }
        }
        throw new IOException("no NameNode is active");
    }

    private void answer(HttpExchange exchange) throws IOException {
        String text;
        int status = 200;
        try {
            text = done(exchange.getRequestURI().getPath(), parameters(exchange.getRequestURI().getQuery()));
        } catch (Exception failure) {
            text = failure.toString();
            status = 500;
        }
        byte[] body = text.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
        try (OutputStream output = exchange.getResponseBody()) {
            output.write(body);
        }
    }

    private String done(String what, Map<String, String> of) throws Exception {
        Path path = of.containsKey("path") ? new Path(of.get("path")) : null;
        switch (what) {
            case "/link":
                files().createSymlink(new Path(of.get("to")), path, true);
                return "";
            case "/permission":
                files().setPermission(path, new FsPermission(of.get("octal")));
                return "";
            case "/quota":
                files().setQuota(path, Long.parseLong(of.get("names")), Long.parseLong(of.get("bytes")));
                return "";
            case "/snapshot":
                files().allowSnapshot(path);
                files().createSnapshot(path, "s");
                return "";
            case "/safe-mode":
                files().setSafeMode(of.get("on").equals("true") ? SafeModeAction.ENTER : SafeModeAction.LEAVE);
                return "";
            case "/open":
                FSDataOutputStream stream = files().create(path);
                stream.write(new byte[Integer.parseInt(of.get("bytes"))]);
                stream.hflush();
                open.put(of.get("path"), stream);
                return "";
            case "/close":
                open.remove(of.get("path")).close();
                return "";
            case "/fail-over":
                cluster.transitionToStandby(1 - Integer.parseInt(of.get("to")));
                cluster.transitionToActive(Integer.parseInt(of.get("to")));
                return "";
            case "/lose":
                cluster.shutdownNameNode(Integer.parseInt(of.get("name-node")));
                cluster.transitionToActive(1 - Integer.parseInt(of.get("name-node")));
                return "";
            case "/observe":
                cluster.transitionToObserver(Integer.parseInt(of.get("name-node")));
                return "";
            case "/ready":
                return "";
            default:
                throw new IOException("nobody does " + what);
        }
    }

    private static Map<String, String> parameters(String query) {
        Map<String, String> parameters = new HashMap<>();
        if (query != null) {
            for (String pair : query.split("&")) {
                int equals = pair.indexOf('=');
                parameters.put(pair.substring(0, equals), pair.substring(equals + 1));
            }
        }
        return parameters;
    }
}
