# Contrasts, trends, interactions, information criteria, sup-t critical values and predictive margins on the small
# invented sample of design_reference.R.
#
#   Rscript inference_reference.R DESIGN_INPUT_CSV OUT_DIR
#
# Made with R 4.2.2, survey 4.1.1, multcomp 1.4-22, mvtnorm 1.1-3, Hmisc 4.8.0, jsonlite 1.8.4, on 2026-11-23.
# Input: make_design_input.py.
#
# Rows of weight zero are taken out of the domain here: they would enter the mean that svyglm scales the weights by, and
# with it dAIC and dBIC (common.R).
#
# PREDICTIVE MARGINS. svypredmeans adds two covariances, D vcov(beta) D' and svymean's of the predictions as if the
# coefficients were known, and leaves out what goes between them. margins_vcov.csv has both parts, and `full`: svyrecvar
# of the influence values w (p - P)/sum(w) + D IF(beta), which has that as well.
#
# SUP-T. qmvt draws at random (seeded here): it is asked for the probability to 1e-4 and for the root to 1e-4, which
# leaves the value right to about three digits. Ten times the precision would take far longer than the minute this takes.

suppressPackageStartupMessages({
  library(mvtnorm)
  library(multcomp)
})

script_folder <- function() {
  script <- sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE))
  if (length(script)) dirname(script) else "."
}
source(file.path(script_folder(), "common.R"))

DOMAINS <- c(full = "everybody", part = "in_part", part_less_psu = "in_part_less_psu")
SPLINE <- c("x", "x_s1", "x_s2")
GROUPS <- paste0("group_", c(1, 3, 4))
POINTS <- c(100, 180, 400)
REFERENCE <- 240
OLD <- 55

read_people <- function(path) {
  people <- cbind(read.csv(path), everybody = 1)
  knots <- unname(quantile(people$x, c(0.05, 0.35, 0.65, 0.95), type = 7))
  cuts <- unname(quantile(people$x, 1:3 / 4, type = 7))
  group <- as.integer(cut(people$x, c(-Inf, cuts, Inf)))
  score <- unname(tapply(people$x, group, median))
  indicators <- sapply(c(1, 3, 4), function(k) as.numeric(group == k))
  colnames(indicators) <- GROUPS
  frame <- data.frame(people, spline_columns(people$x, knots, "x")[, -1], indicators, group = factor(group),
                      score = score[group], old = as.numeric(people$z > OLD))
  list(frame = frame, knots = knots, cuts = cuts, score = score)
}

domain_of <- function(id, frame) {
  design <- svydesign(ids = ~psu, strata = ~strata, nest = TRUE, weights = ~w, data = frame)
  subset(design, frame[[DOMAINS[[id]]]] == 1 & frame$w > 0)
}

lower_rows <- function(id, ..., labels) {
  values <- list(...)
  lower <- which(lower.tri(values[[1]], diag = TRUE), arr.ind = TRUE)
  data.frame(study_id = id, row = labels[lower[, 1]], col = labels[lower[, 2]],
             lapply(values, function(value) unname(value)[lower]))
}

# The spline's log odds ratios at three points: each alone by svycontrast, together by multcomp's F.
contrast_tables <- function(id, domain, knots) {
  fit <- fit_domain(domain, "y", c(SPLINE, "z"))
  L <- sweep(spline_columns(POINTS, knots, "x"), 2, spline_columns(REFERENCE, knots, "x"))
  matrix <- cbind(0, L, 0)
  rows <- lapply(seq_along(POINTS), function(i) setNames(matrix[i, ], names(coef(fit))))
  found <- svycontrast(fit, setNames(rows, POINTS))
  estimate <- unname(coef(found))
  std_error <- unname(SE(found))
  half <- half_width(std_error, fit$df.residual)
  joint <- summary(glht(fit, linfct = matrix, df = fit$df.residual), test = Ftest())$test
  list(contrasts = data.frame(study_id = id, x = POINTS, estimate, std_error, df = fit$df.residual,
                              conf_low = estimate - half, conf_high = estimate + half),
       contrasts_vcov = lower_rows(id, value = vcov(found), labels = POINTS),
       joint = data.frame(study_id = id, statistic = c(joint$fstat), df_num = joint$df[1], df_den = joint$df[2],
                          p_value = c(joint$pvalue)))
}

trend_row <- function(id, method, estimate, std_error, df) {
  data.frame(study_id = id, method, estimate, std_error, df, p_value = 2 * pt(-abs(estimate / std_error), df))
}

trend_table <- function(id, domain, score) {
  by_score <- fit_domain(domain, "y", c("score", "z"))
  by_group <- fit_domain(domain, "y", c(GROUPS, "z"))
  slope <- (score - mean(score)) / sum((score - mean(score))^2)
  found <- svycontrast(by_group, setNames(slope[-2], GROUPS))
  rbind(trend_row(id, "score", unname(coef(by_score)["score"]), unname(SE(by_score)["score"]), by_score$df.residual),
        trend_row(id, "contrast", unname(coef(found)), c(SE(found)), by_group$df.residual))
}

interaction_table <- function(id, domain) {
  fit <- fit_domain(domain, "y", c(SPLINE, "old", paste0(SPLINE, ":old")))
  test_rows(id, fit, "interaction", paste0(SPLINE, ":old"))$tests
}

MODELS <- list(maximal = c(SPLINE, "z", "old"), spline = c(SPLINE, "z"), linear = c("x", "z"), crude = "x",
               without_x = c("z", "old"))

criteria_table <- function(id, domain) {
  fits <- lapply(MODELS, function(terms) fit_domain(domain, "y", terms))
  rows <- lapply(names(fits), function(name) {
    aic <- AIC(fits[[name]])
    bic <- BIC(fits[[name]], maximal = fits$maximal)
    data.frame(study_id = id, model = name, daic = aic[["AIC"]], effective_parameters = aic[["eff.p"]],
               mean_design_effect = aic[["deltabar"]], dbic = bic[[2]], parameters = bic[["p"]],
               effective_n = bic[["neff"]])
  })
  do.call(rbind, rows)
}

# svypredmeans refits by update(); with the solution as its start, weights and coefficients are of one place (common.R).
margin_tables <- function(id, domain) {
  fit <- fit_domain(domain, "y", c("z", "group"))
  adjust <- fit_domain(domain, "y", "z")
  adjust$call$start <- unname(coef(fit))
  levels <- levels(domain$variables$group)
  means <- svypredmeans(adjust, ~group, predictat = factor(levels))
  parts <- attr(attr(means, "var"), "parts")
  w <- weights(domain, "sampling")
  X <- model.matrix(fit)
  settings <- lapply(levels, function(level) {
    X[, paste0("group", levels[-1])] <- rep(as.numeric(levels[-1] == level), each = nrow(X))
    X
  })
  p <- sapply(settings, function(at) plogis(drop(at %*% coef(fit))))
  D <- sapply(seq_along(levels), function(k) colSums(w * p[, k] * (1 - p[, k]) * settings[[k]])) / sum(w)
  of_beta <- (X * (w / mean(w) * (fit$y - fitted(fit)))) %*% fit$naive.cov
  influence <- w * sweep(p, 2, unname(coef(means))) / sum(w) + of_beta %*% D
  full <- svyrecvar(influence, domain$cluster, domain$strata, domain$fpc)
  list(margins = data.frame(study_id = id, group = levels, estimate = unname(coef(means)), std_error = c(SE(means))),
       margins_vcov = lower_rows(id, coefficients = parts[[1]], covariates = parts[[2]], full = full,
                                 labels = levels))
}

# Margins of the spline at three exposures, refitted in every replicate.
jackknife_tables <- function(id, frame, knots) {
  design <- svydesign(ids = ~psu, strata = ~strata, nest = TRUE, weights = ~w, data = frame)
  domain <- subset(as.svrepdesign(design, type = "JKn", mse = TRUE), frame[[DOMAINS[[id]]]] == 1)
  basis <- spline_columns(POINTS, knots, "x")
  margins <- function(w, data) {
    X <- cbind(1, as.matrix(data[SPLINE]), data$z)
    fit <- glm.fit(X, data$y, w / mean(w), family = quasibinomial(), control = CONVERGED)
    sapply(seq_along(POINTS), function(k) {
      X[, 2:4] <- rep(basis[k, ], each = nrow(X))
      sum(w * plogis(drop(X %*% fit$coefficients))) / sum(w)
    })
  }
  found <- withReplicates(domain, margins)
  list(jackknife = data.frame(study_id = id, x = POINTS, estimate = c(coef(found))),
       jackknife_vcov = lower_rows(id, value = vcov(found), labels = POINTS))
}

CORRELATIONS <- list(
  exchangeable = function(m, rho) (1 - rho) * diag(m) + rho,
  autoregressive = function(m, rho) rho^abs(outer(seq_len(m), seq_len(m), "-"))
)

sup_t_row <- function(pattern, m, rho, df, level) {
  set.seed(1)
  found <- qmvt(level, tail = "both.tails", df = df, corr = CORRELATIONS[[pattern]](m, rho), ptol = 1e-4,
                algorithm = GenzBretz(abseps = 1e-4))
  data.frame(pattern, m, rho, df, level, value = found$quantile)
}

sup_t_table <- function() {
  cases <- expand.grid(pattern = names(CORRELATIONS), m = 2:3, rho = c(-0.3, 0.8), df = c(6, 40), level = 0.95,
                       stringsAsFactors = FALSE)
  more <- data.frame(pattern = "autoregressive", m = 4, rho = 0.8, df = 40, level = c(0.9, 0.95))
  cases <- rbind(cases, more)
  do.call(rbind, do.call(Map, c(list(f = sup_t_row), unname(as.list(cases)))))
}

study_tables <- function(id, people) {
  domain <- domain_of(id, people$frame)
  c(contrast_tables(id, domain, people$knots), list(trends = trend_table(id, domain, people$score)),
    list(interactions = interaction_table(id, domain)), list(criteria = criteria_table(id, domain)),
    margin_tables(id, domain), jackknife_tables(id, people$frame, people$knots))
}

main <- function(arguments) {
  if (length(arguments) != 2) stop("usage: Rscript inference_reference.R DESIGN_INPUT_CSV OUT_DIR")
  people <- read_people(arguments[1])
  write_tables(lapply(names(DOMAINS), study_tables, people = people), arguments[2])
  write_table(data.frame(index = seq_along(people$knots), knot = people$knots), arguments[2], "knots")
  write_table(data.frame(group = 1:4, upper = c(people$cuts, Inf), score = people$score), arguments[2], "groups")
  write_table(sup_t_table(), arguments[2], "sup_t")
  write_versions(arguments[2], c("survey", "multcomp", "mvtnorm", "Hmisc", "jsonlite"))
}

if (sys.nframe() == 0L) main(commandArgs(TRUE))
