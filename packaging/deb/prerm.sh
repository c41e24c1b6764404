# shellcheck shell=sh disable=SC2153
# Before our files are removed. The shipped ones must be back before ours go, and dpkg removes what is at our paths.
# So the paths change hands first: the shipped file is renamed over ours, and for dpkg ours are from now on in
# another place, where it removes them.

give_back() {
    copy=$(copy_of "$1")
    if ! is_diverted_to "$1" "$copy"; then
        # Ours have waited all the time; the version before may be in place.
        give_up_previous "$1"
        return
    fi
    if [ ! -f "$copy" ]; then
        # Nobody ships one: dpkg removes ours where it is.
        end_diversion "$1"
        return
    fi
    mkdir -p "$WAITING"
    # For postinst, should the removal be called off.
    if [ -f "$1" ]; then link_over "$1" "$(waiting_of "$1")"; fi
    let_wait "$1"
    copy_over "$copy" "$1"
    rm -f "$copy"
}

case "$1" in
    remove)
        give_back "$AGENT"
        give_back "$MAN"
        ;;
esac
