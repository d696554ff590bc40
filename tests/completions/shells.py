# SPDX-License-Identifier: MIT
"""The three shells, each on a terminal of its own, asked what they complete.

A shell is started with the completion under test and two keys: ^T asks for
completion, ^G writes the line to a file and clears it. What comes back is what
a user would see, word breaks, quoting and all.
"""
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import subprocess
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
COMPLETIONS = TOP / "completions"
TIMEOUT = 60


class Terminal:
    """A process on a pseudo terminal. What it prints is kept."""

    def __init__(self, argv, cwd, env):
        self.output = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(cwd)
            os.execvpe(argv[0], argv, env)

    def send(self, text):
        os.write(self.fd, text.encode())

    def wait_for(self, path):
        """Waits until path is there, then takes it."""
        end = time.monotonic() + TIMEOUT
        while not path.exists():
            if time.monotonic() > end:
                raise AssertionError("no answer; the terminal shows: "
                                     + repr(self.output))
            self.read(0.02)
        text = path.read_text()
        path.unlink()
        return text

    def read(self, seconds):
        if not select.select([self.fd], [], [], seconds)[0]:
            return
        try:
            self.output += os.read(self.fd, 65536)
        except OSError:  # EIO: it has ended
            raise AssertionError("the shell is gone: " + repr(self.output))

    def close(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


class Shell:
    """Common to all: a terminal, a folder for its files, the two keys."""

    def __init__(self, cwd, env, state):
        self.cwd = cwd
        self.env = dict(env, TERM="dumb", ANSWER=str(state / "answer"))
        self.state = state
        self.answer = state / "answer"
        self.shown = ""
        self.terminal = None

    def start(self, argv):
        self.terminal = Terminal(argv, self.cwd, self.env)
        self.terminal.wait_for(self.answer)  # written when it is set up

    def press(self, line, key):
        """Types line and presses key; returns what the line has become."""
        self.terminal.output = b""
        self.terminal.send(line + key + "\x07")
        became = self.terminal.wait_for(self.answer)
        self.shown = self.terminal.output.decode("utf-8", "replace")
        return became

    def typed(self, line):
        return self.press(line, "\x14")

    def close(self):
        if self.terminal:
            self.terminal.close()


class Bash(Shell):
    """Readline can insert all completions at once (key ^Y here)."""

    before = ""  # what else a user's ~/.bashrc has
    breaks = "=:"  # where readline cuts words, of what occurs here
    rc = """
%s
source %s
bind 'set bell-style none'
bind '"\\C-t": complete'
bind '"\\C-y": insert-completions'
bind -x '"\\C-g": answer'
answer() {
    printf %%s "$READLINE_LINE" >"$ANSWER.new"
    mv "$ANSWER.new" "$ANSWER"
    READLINE_LINE=
}
PROMPT_COMMAND='PROMPT_COMMAND=; READLINE_LINE=; answer'
"""

    def __init__(self, *args):
        super().__init__(*args)
        rc = self.state / "bashrc"
        rc.write_text(self.rc % (self.before, COMPLETIONS / "spull.bash"))
        self.start(["bash", "--noprofile", "--rcfile", str(rc), "-i"])

    def candidates(self, line):
        became = self.press(line, "\x19")
        if became == line:
            return []
        word = re.search(r"\S*\Z", line)[0]
        kept = re.search(f"(.*[{self.breaks}])?", word)[0]
        return [kept + more.rstrip("/")
                for more in became[len(line) - len(word) + len(kept):].split()]


class BashBeside(Bash):
    """With the bash-completion package loaded too."""

    package = "/usr/share/bash-completion/bash_completion"
    before = "source " + package


class BashColon(Bash):
    """Other tools' completions take the colon out, for the whole shell."""

    before = "COMP_WORDBREAKS=${COMP_WORDBREAKS//:}"
    breaks = "="


class Zsh(Shell):
    """Its completion functions hand all matches to compadd, which we tap."""

    rc = """
fpath=(%s $fpath)
autoload -U compinit
compinit -u -d "$ZDOTDIR/dump"
unsetopt beep
compadd() {
    local -a found
    # -O, -A and -D only ask what would match.
    if [[ ${@[1,(i)(-|--)]} != *-(O|A|D)\\ * ]]; then
        builtin compadd -A found "$@"
        print -rl -- $IPREFIX${^found} >>"$ANSWER.found"
    fi
    builtin compadd "$@"
}
answer() {
    print -rn -- "$BUFFER" >"$ANSWER.new"
    mv "$ANSWER.new" "$ANSWER"
    BUFFER=
}
zle -N answer
zle -N zle-line-init first
first() { zle -D zle-line-init; answer; }
bindkey -e
bindkey '^T' complete-word
bindkey '^G' answer
"""

    def __init__(self, *args):
        super().__init__(*args)
        (self.state / ".zshrc").write_text(self.rc % COMPLETIONS)
        self.env["ZDOTDIR"] = str(self.state)
        self.found = self.state / "answer.found"
        self.start(["zsh", "-d", "-i"])

    def candidates(self, line):
        self.found.write_text("")
        self.press(line, "\x14")
        return [word for word in self.found.read_text().split("\n") if word]


class Fish(Shell):
    """It tells what it would complete when asked by "complete -C"."""

    rc = """
source %s
bind \\ct complete
bind \\cg answer
function answer
    commandline >$ANSWER.new
    mv $ANSWER.new $ANSWER
    commandline ''
end
function first --on-event fish_prompt
    functions -e first
    answer
end
"""

    def __init__(self, *args):
        super().__init__(*args)
        self.start(["fish", "-i", "-C", self.rc % (COMPLETIONS / "spull.fish")])

    def typed(self, line):
        return super().typed(line).rstrip("\n")

    def candidates(self, line):
        run = subprocess.run(
            # Before 3.2, -c takes no arguments.
            ["fish", "-c", "source $FISH_FILE; complete -C $FISH_LINE"],
            cwd=self.cwd, text=True, timeout=TIMEOUT,
            env=dict(self.env, FISH_FILE=str(COMPLETIONS / "spull.fish"),
                     FISH_LINE=line),
            check=True, capture_output=True)
        self.shown = run.stderr
        return [word.split("\t")[0].rstrip("/")
                for word in run.stdout.splitlines()]


def variants(name):
    """The ways in which a shell is to be tried; none: it is not there."""
    if not shutil.which(name):
        return []
    if name != "bash":
        return [{"zsh": Zsh, "fish": Fish}[name]]
    if os.path.exists(BashBeside.package):
        return [Bash, BashColon, BashBeside]
    return [Bash, BashColon]
