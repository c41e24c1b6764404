# shellcheck shell=sh disable=SC2154
# Before our files are unpacked. They do not take the agent's place now: should the binary not run on this node, say
# because a library is missing, every monitor of the cluster would fail from this moment. So dpkg unpacks them to a
# place of their own, and postinst moves them once the binary has run. Until then the agent that is there stays: the
# shell agent, a person's, or ours of the version before.

# Remembers that path $1 has our file of the version before. After an attempt that was interrupted it is known already.
note_previous() {
    if [ ! -f "$1" ] || has_previous "$1"; then return; fi
    if [ "$(noted_sum "$PACKAGE" "$1")" = "$(md5sum "$1" | cut -d ' ' -f 1)" ]; then
        mkdir -p "$WAITING"
        link_over "$1" "$(previous_of "$1")"
    else
        rm -f "$(previous_of "$1")"
    fi
}

# Ends what a removal of version 1.0.0 that was interrupted has left for path $1.
end_leaving() {
    leaving=/usr/share/$PACKAGE/leaving/$(basename "$1")
    if is_diverted_to "$1" "$leaving"; then
        dpkg-divert --quiet --package resource-agents --no-rename --divert "$leaving" --remove "$1"
    fi
    rm -f "$leaving"
    if [ -d "$(dirname "$leaving")" ]; then rmdir --ignore-fail-on-non-empty "$(dirname "$leaving")"; fi
}

case "$1" in
    install | upgrade)
        # An attempt that was interrupted has left what leads to the old agent.
        if is_handed_over "$AGENT" "$(copy_of "$AGENT")"; then copy_over "$(copy_of "$AGENT")" "$AGENT"; fi
        for path in "$AGENT" "$MAN"; do
            end_leaving "$path"
            note_previous "$path"
            let_wait "$path"
        done
        ;;
esac
