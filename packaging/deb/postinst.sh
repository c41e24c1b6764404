# shellcheck shell=sh disable=SC2154
# After our files have been unpacked to where they wait, or if a removal was called off: they take their places, if
# the agent can run on this node.

# Whether path $1 holds the file of a package, as that package has shipped it.
is_as_shipped() {
    sum=$(md5sum "$1" | cut -d ' ' -f 1)
    for owner in $(dpkg-query --search "$1" 2>/dev/null | sed -n '/^diversion by /d; s/: .*//; s/,//g; p'); do
        if [ "$(noted_sum "$owner" "$1")" = "$sum" ]; then return 0; fi
    done
    return 1
}

# A file that no package can bring again stays under a name of its own, whatever happens to the rest.
keep() {
    mkdir -p "$KEPT"
    name=$KEPT/$(basename "$1").$(md5sum "$1" | cut -c 1-12)
    copy_over "$1" "$name"
    echo "$PACKAGE: $1 was not as any package ships it; a copy is kept as $name" >&2
}

# What is at path $1 and is not ours goes aside. It is copied, not moved: a monitor that the cluster runs right now
# finds the agent, or what leads to it, until ours is renamed over it.
put_aside() {
    copy=$(copy_of "$1")
    if has_previous "$1" || is_handed_over "$1" "$copy"; then return; fi
    mkdir -p "$DIVERTED"
    if [ -f "$1" ]; then
        is_as_shipped "$1" || keep "$1"
        copy_over "$1" "$copy"
    else
        # It was removed with its package while ours was waiting.
        rm -f "$copy"
    fi
}

take_place() {
    if [ ! -f "$(waiting_of "$1")" ]; then
        # A removal was called off that had nothing to give back: ours is in place, but no longer diverts others.
        if is_diverted_to "$1" "$1"; then divert "$1"; fi
        return
    fi
    # First the copy, then the diversion: interrupted in between, the next attempt copies again.
    if ! is_diverted_to "$1" "$(copy_of "$1")"; then put_aside "$1"; fi
    if [ "$1" = "$AGENT" ]; then hand_over "$1" "$(copy_of "$1")"; fi
    divert "$1"
    link_over "$(waiting_of "$1")" "$1"
    rm -f "$(waiting_of "$1")" "$(previous_of "$1")"
}

case "$1" in
    configure | abort-remove)
        can_run "$(waiting_of "$AGENT")" "$AGENT" "\`dpkg --configure $PACKAGE\`"
        take_place "$AGENT"
        take_place "$MAN"
        rm -f "$(handover_name "$(copy_of "$AGENT")")"
        if [ -d "$WAITING" ]; then rmdir --ignore-fail-on-non-empty "$WAITING"; fi
        ;;
esac
