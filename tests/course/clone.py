"""A clone of the course with a build that is ready: real git, the real script, and nothing to compile."""

import shutil
import subprocess

from learner import BINARY, ROOT, Learner

SHIPPED = ["CMakeLists.txt", "CMakePresets.json", "SESSION-TEMPLATE.md", ".gitignore", "tiny", "cmake", "code", "course"]
SHIPPED += ["exercises", "notes", "progress", "sessions", "src", "tools"]


def git(folder, *arguments):
    identity = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.org"]
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


class Clone(Learner):
    """A learner on a branch of their own, in a clone of a course that can get new versions."""

    def __init__(self, folder):
        self.course = folder / "upstream"
        super().__init__(folder / "clone")
        self.env.pop("TINYLLM_LEARNER")
        self.env.update(GIT_CONFIG_GLOBAL=str(folder / "gitconfig"), GIT_CONFIG_NOSYSTEM="1")
        write(folder / "gitconfig", "[user]\nname = Learner\nemail = learner@example.org\n")
        for name in SHIPPED:
            self.copy(ROOT / name, self.course / name)
        git(self.course, "init", "--quiet", "--initial-branch=main")
        git(self.course, "add", "--all")
        git(self.course, "commit", "--quiet", "--message", "The course")
        git(folder, "clone", "--quiet", str(self.course), str(self.folder))
        git(self.folder, "switch", "--quiet", "--create", "mine")
        self.make_build()
        self.binary = self.folder / "build/release/tinyllm"

    @staticmethod
    def copy(source, target):
        made_here = shutil.ignore_patterns("state.json*", "compile_commands.json", ".vscode", "__pycache__", "*_test.cpp")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, target, ignore=made_here) if source.is_dir() else shutil.copy2(source, target)

    def make_build(self):
        """Copies of what linking needs from this repository's build, under the clone's name."""
        build, made = self.folder / "build/release", BINARY.parent
        main = "CMakeFiles/tinyllm_bin.dir/src/apps/main.cpp.o"
        for name in ("tinyllm", "build.ninja", "CMakeFiles/rules.ninja", main):
            self.copy(made / name, build / name)
        for archive in made.glob("*.a"):
            (build / archive.name).symlink_to(archive)
        commands = (made / "compile_commands.json").read_text(encoding="utf-8")
        write(build / "compile_commands.json", commands.replace(f"{ROOT}/src/", f"{self.folder}/src/"))
        self.is_built()
        # Nothing may be built here: it would be the whole engine.
        tools = self.folder.parent / "tools"
        ninja = shutil.which("ninja")
        for tool in ("cmake", "ninja"):
            write(tools / tool, f'#!/bin/sh\ncase " $* " in *" -t commands "*) exec {ninja} "$@" ;; esac\nexit 1\n')
            (tools / tool).chmod(0o755)
        self.env["PATH"] = f"{tools}:{self.env['PATH']}"

    def is_built(self):
        """Newer than every source, and made here: ./tiny finds nothing to build."""
        write(self.folder / "build/release/built.stamp", f"{self.folder}\n")

    def tiny(self, *arguments, stdin="", timeout=120):
        command = [str(self.folder / "tiny"), *arguments]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=timeout, env=self.env, check=False)

    def publish(self, message, changes):
        """A new version of the course. `changes`: a file's name, and what becomes of its text."""
        for name, change in changes.items():
            path = self.course / name
            write(path, change(path.read_text(encoding="utf-8") if path.exists() else ""))
        git(self.course, "add", "--all")
        git(self.course, "commit", "--quiet", "--message", message)

    def git(self, *arguments):
        return git(self.folder, *arguments)

    def text(self, name):
        return (self.folder / name).read_text(encoding="utf-8")
