# shellcheck shell=sh
# In front of the scripts of both packages, behind the functions of their kind: whether our agent can run,
# and how a file takes another's place.

# Copies $1 to $2; whoever opens $2 meanwhile finds the old file or the new one, never a part.
copy_over() {
    temporary=$(dirname "$2")/.$(basename "$2").new
    rm -f "$temporary"
    cp -p "$1" "$temporary"
    mv -f "$temporary" "$2"
}

# As copy_over, by a hard link where that can be: the agent is large.
link_over() {
    temporary=$(dirname "$2")/.$(basename "$2").new
    rm -f "$temporary"
    ln "$1" "$temporary" 2>/dev/null || cp -p "$1" "$temporary"
    mv -f "$temporary" "$2"
    # Two names of one file: mv leaves both where they are the same already.
    rm -f "$temporary"
}

# Whether file $1, an agent of ours, runs on this node; what is not there is not in question. Otherwise says why not,
# that path $2 keeps what it has, and that $3 tries again.
can_run() {
    if [ ! -f "$1" ] || said=$(timeout 60 "$1" --version 2>&1); then return 0; fi
    echo "resource-agents-kamailio: the agent cannot run on this node, so $2 stays as it is: $said" >&2
    echo "resource-agents-kamailio: provide what is missing, then try again by $3" >&2
    return 1
}

# An agent that is a script cannot be replaced by a binary with one rename. A monitor that the cluster has just
# called is a shell on its way: the kernel has read `#!/bin/bash` and passed it the agent's path, and it opens
# that path a millisecond later. Should it find the binary there, it ends with 126, and the cluster recovers a
# Kamailio that has nothing. So for a moment the path holds a script that is right for both: a shell on its way
# reads it and goes on to the old agent's copy; and for who calls the agent from now on the kernel starts
# /bin/sh with a file of another name, so that nobody is on the way to the agent's path any more.

# How long a shell may be on its way (s): a hundred times what it takes, for a node that is short of CPU.
ON_THE_WAY=0.5

# The second name of the script that leads to $1.
handover_name() {
    echo "$(dirname "$1")/handover"
}

have_same_contents() {
    [ -f "$1" ] && [ -f "$2" ] && [ "$(sha256sum <"$1")" = "$(sha256sum <"$2")" ]
}

# Readies path $1 for a binary; $2 is a copy of the script there. Nothing is done for a file of another kind, or
# for a path that is ready already.
hand_over() {
    if [ "$(head -c 2 "$1" 2>/dev/null)" != '#!' ] || ! have_same_contents "$1" "$2"; then return; fi
    name=$(handover_name "$2")
    # For owner and mode.
    cp -p "$1" "$name"
    # The kernel puts the agent's path in front of the action, a shell on its way does not.
    cat >"$name" <<END
#!/bin/sh $name
if [ "\$1" = '$1' ]; then shift; fi
# Its package is gone while ours is half installed: there is no agent.
if [ ! -x '$2' ]; then exit 5; fi
exec '$2' "\$@"
END
    copy_over "$name" "$1"
    sleep $ON_THE_WAY
}

# Whether path $1 is ready for a binary, and leads to $2 until then.
is_handed_over() {
    have_same_contents "$1" "$(handover_name "$2")"
}
