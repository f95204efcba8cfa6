package dev.rollout.examples;

import dev.rollout.contract.Role;
import dev.rollout.lib.Budget;
import dev.rollout.lib.Inbox;
import dev.rollout.lib.Rollout;
import java.time.Duration;
import net.dv8tion.jda.api.JDA;
import net.dv8tion.jda.api.JDABuilder;
import net.dv8tion.jda.api.entities.Message;
import net.dv8tion.jda.api.events.message.MessageReceivedEvent;
import net.dv8tion.jda.api.events.session.ReadyEvent;
import net.dv8tion.jda.api.events.session.SessionDisconnectEvent;
import net.dv8tion.jda.api.events.session.SessionRecreateEvent;
import net.dv8tion.jda.api.events.session.SessionResumeEvent;
import net.dv8tion.jda.api.hooks.ListenerAdapter;
import net.dv8tion.jda.api.requests.GatewayIntent;
import net.dv8tion.jda.api.requests.RestConfig;
import net.dv8tion.jda.api.utils.Compression;
import net.dv8tion.jda.api.utils.SessionController;
import net.dv8tion.jda.api.utils.SessionControllerAdapter;

/**
 * A Discord bot on JDA that answers every message once, whichever of its instances runs. What Rollout needs of it are
 * the lines with {@code rollout} and {@code inbox} in them.
 *
 * <p>{@code DISCORD_TOKEN}; {@code DISCORD_API} and {@code DISCORD_GATEWAY} point it at another server than Discord's.
 */
public final class DiscordBot extends ListenerAdapter {
    private static final Duration DAY = Duration.ofDays(1);
    private static final int IDENTIFIES_A_DAY = 900; // Discord resets the token after 1000
    /** Discord wants 5 s from login to login; how long each takes from here to there is not always the same. */
    private static final Duration BETWEEN_IDENTIFIES = Duration.ofSeconds(7);

    private final Rollout rollout;
    private final Inbox<Message> inbox;

    private DiscordBot(Rollout rollout) {
        this.rollout = rollout;
        this.inbox = new Inbox<>(rollout, DiscordBot::answer);
    }

    public static void main(String[] args) throws InterruptedException {
        Rollout rollout = Rollout.join();
        rollout.onRole((from, to) -> System.out.println(from + " -> " + to));
        JDABuilder builder = JDABuilder.createLight(
                        System.getenv().getOrDefault("DISCORD_TOKEN", ""),
                        GatewayIntent.GUILD_MESSAGES,
                        GatewayIntent.MESSAGE_CONTENT)
                .setEnableShutdownHook(false)
                .addEventListeners(new DiscordBot(rollout));
        builder.setSessionController(new Sessions(rollout));
        String api = System.getenv("DISCORD_API");
        if (api != null) {
            builder.setRestConfig(new RestConfig().setBaseUrl(api)).setCompression(Compression.NONE);
        }
        JDA jda = builder.build();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            rollout.notReady();
            jda.shutdown();
        }));
    }

    @Override
    public void onReady(ReadyEvent event) {
        rollout.ready();
    }

    @Override
    public void onSessionDisconnect(SessionDisconnectEvent event) {
        rollout.notReady();
    }

    @Override
    public void onSessionResume(SessionResumeEvent event) {
        rollout.ready();
    }

    @Override
    public void onSessionRecreate(SessionRecreateEvent event) {
        rollout.ready();
    }

    @Override
    public void onMessageReceived(MessageReceivedEvent event) {
        if (!event.getAuthor().isBot() && rollout.role() != Role.STOPPED) {
            inbox.receive("create:" + event.getMessageId(), event.getMessage());
        }
    }

    /** On the gateway's thread, and with the answer awaited: an instance is not retired before its answers are out. */
    private static void answer(Message message) {
        message.getChannel()
                .sendMessage("pong " + message.getContentRaw())
                .setNonce(Rollout.effectKey("create:" + message.getId() + "#reply"))
                .complete();
    }

    /**
     * Logins are counted by Discord over all instances and restarts: a bot in a crash loop must not spend them all. What
     * is only resumed does not come by here.
     */
    private static final class Sessions extends SessionControllerAdapter {
        private final Rollout rollout;

        Sessions(Rollout rollout) {
            this.rollout = rollout;
        }

        @Override
        public String getGateway() {
            String gateway = System.getenv("DISCORD_GATEWAY");
            return gateway == null ? super.getGateway() : gateway;
        }

        @Override
        public void appendSession(SessionConnectNode login) {
            super.appendSession(new Login(login, rollout));
        }

        @Override
        public void removeSession(SessionConnectNode login) {
            super.removeSession(new Login(login, rollout));
        }
    }

    private record Login(SessionController.SessionConnectNode of, Rollout rollout)
            implements SessionController.SessionConnectNode {
        @Override
        public boolean isReconnect() {
            return of.isReconnect();
        }

        @Override
        public JDA getJDA() {
            return of.getJDA();
        }

        @Override
        public JDA.ShardInfo getShardInfo() {
            return of.getShardInfo();
        }

        @Override
        public void run(boolean isLast) throws InterruptedException {
            Budget inARow = rollout.budget("identify-pause", 1, BETWEEN_IDENTIFIES);
            while (inARow.spend() == Budget.Spending.EXHAUSTED) {
                Thread.sleep(100);
            }
            if (rollout.budget("identify", IDENTIFIES_A_DAY, DAY).spend() == Budget.Spending.EXHAUSTED) {
                System.out.println("the logins of this day are spent: not logging in, so that the token is not reset");
                Thread.sleep(DAY.toMillis());
            }
            of.run(isLast);
        }
    }
}
