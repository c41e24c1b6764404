# shellcheck shell=sh disable=SC2153
# After our files are in place. Only the way back from a removal that did not happen has something to do.

# Undoes what prerm did for path $1: ours is put into place again, the other one goes aside.
take_back() {
    leaving=$LEAVING/$(basename "$1")
    copy=$(copy_of "$1")
    if [ ! -f "$leaving" ]; then return; fi
    mkdir -p "$DIVERTED"
    if is_diverted_to "$1" "$leaving"; then
        copy_over "$1" "$copy"
        dpkg-divert --quiet --package resource-agents --no-rename --divert "$leaving" --remove "$1"
        dpkg-divert --quiet --package "$PACKAGE" --no-rename --divert "$copy" --add "$1"
    fi
    mv -f "$leaving" "$1"
}

case "$1" in
    abort-remove)
        take_back "$AGENT"
        take_back "$MAN"
        end_leaving
        ;;
esac
