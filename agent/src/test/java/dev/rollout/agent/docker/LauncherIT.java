package dev.rollout.agent.docker;

import static dev.rollout.agent.docker.Published.ok;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** The script that is typed, as an installation has it; the other tests have a shorter one. */
class LauncherIT {
    /** A cron job has no locale, and many an ssh login one that the host does not know. */
    @Test
    void namesAreUtf8WhateverTheLocale() throws Exception {
        try (Rig rig = new Rig()) {
            Path home = Files.createDirectories(rig.folder.resolve("home"));
            Files.createSymbolicLink(home.resolve("agent-0.1.0.jar"), Rig.TARGET.resolve("agent-0.1.0.jar"));
            Files.createSymbolicLink(home.resolve("lib"), Rig.TARGET.resolve("lib"));
            Files.writeString(home.resolve("java"), System.getProperty("java.home") + "/bin/java\n");
            rig.environment.put("ROLLOUT_HOME", home.toString());
            rig.services(
                    Rig.web("${V}", "volumes: ['./d\u00e4t\u00e4:/data:ro']\nlabels: {locale: '${LC_ALL:-none}'}\n"));
            // made by the shell: this process may have such a locale itself
            ok(rig.run(
                    "sh",
                    "-c",
                    "d=$(printf 'gr\\303\\274n'); mkdir -p $d/$(printf 'd\\303\\244t\\303\\244'); mv compose.yaml $d"));
            String there = "cd gr*n; unset LANG LC_ALL LC_CTYPE; export V=$(printf '\\303\\274'); ";
            String typed = Rig.ROOT.resolve("scripts/rollout") + " up web";
            for (String locale : new String[] {"LC_ALL=C ", "LANG=xx_YY.UTF-8 "}) {
                Rig.Ran up = rig.run("sh", "-c", there + locale + typed);
                assertEquals(0, up.exit(), locale + up.all());
                assertEquals("\u00fc", rig.one("web"));
                String from = rig.inspect(rig.containers("web").getFirst().id())
                        .at("/Mounts/0/Source")
                        .asText();
                assertEquals(
                        locale.contains("LC_ALL") ? "C" : "none",
                        rig.inspect(rig.containers("web").getFirst().id())
                                .at("/Config/Labels/locale")
                                .asText(),
                        "the file is read in the caller's environment");
                assertTrue(from.endsWith("/gr\u00fcn/d\u00e4t\u00e4"), from);
            }
            Rig.Ran missing = rig.run("sh", "-c", there + "LC_ALL=C " + typed + " -f $V.yaml");
            assertEquals(2, missing.exit(), missing.all());
            assertTrue(missing.err().contains("\u00fc.yaml"), missing.all());
        }
    }
}
