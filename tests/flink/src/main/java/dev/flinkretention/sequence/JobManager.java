package dev.flinkretention.sequence;

import java.util.Arrays;
import org.apache.flink.client.deployment.application.ApplicationClusterEntryPoint;
import org.apache.flink.client.program.PackagedProgram;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.GlobalConfiguration;
import org.apache.flink.configuration.PipelineOptionsInternal;
import org.apache.flink.runtime.entrypoint.ClusterEntrypoint;
import org.apache.flink.runtime.resourcemanager.StandaloneResourceManagerFactory;

/**
 * Flink's application mode without containers, for every release: Flink's own entry point for that, in flink-container,
 * is published for few releases, and this is what it does.
 *
 * <p>Arguments: directory of the configuration, job id, then those of the job.
 */
public final class JobManager extends ApplicationClusterEntryPoint {
    private JobManager(Configuration configuration, PackagedProgram program) {
        super(configuration, program, StandaloneResourceManagerFactory.getInstance());
    }

    public static void main(String[] arguments) throws Exception {
        Configuration configuration = GlobalConfiguration.loadConfiguration(arguments[0]);
        configuration.set(PipelineOptionsInternal.PIPELINE_FIXED_JOB_ID, arguments[1]);
        PackagedProgram program = PackagedProgram.newBuilder()
                .setEntryPointClassName(SequenceJob.class.getName())
                .setConfiguration(configuration)
                .setArguments(Arrays.copyOfRange(arguments, 2, arguments.length))
                .build();
        configureExecution(configuration, program);
        ClusterEntrypoint.runClusterEntrypoint(new JobManager(configuration, program));
    }
}
