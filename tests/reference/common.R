# What nhanes_reference.R and design_reference.R share: one svyglm fit turned into tables, and how tables are written.
#
# Made with R 4.2.2, survey 4.1.1, Hmisc 4.8.0, jsonlite 1.8.4.
#
# THE RAO-SCOTT TEST AS survey 4.1.1 COMPUTES IT (regTermTest(method = "LRT")), in enough detail to be matched
#   1. svyglm(rescale = TRUE) gives glm() the prior weights  v_i = w_i / mean(w),  the mean taken over every row of the
#      design object it is given: the rows of the domain, those of weight zero included. Rows outside the domain are
#      not in that mean. If all weights are positive, the v_i add up to the number of rows.
#   2. statistic = D0 - D1, deviances of two such fits on the same rows and with the same v:
#         D = -2 sum_i v_i [ y_i log mu_i + (1 - y_i) log(1 - mu_i) ],
#      D1 of the model, D0 of the model refitted without the tested terms. It is neither divided by the number of terms
#      nor by a dispersion (summary(fit)$dispersion is never used).
#   3. lambda = eigenvalues of  solve(A_tt) %*% V_tt.  A is the inverse information (X' diag(v mu (1 - mu)) X)^-1 of the
#      full model (naive.cov, no dispersion), V the Taylor covariance, and _tt means "rows and columns of the tested
#      terms, taken out of the p x p matrix before anything is inverted". Multiplying the weights by a constant c
#      multiplies statistic and lambda by c and leaves p alone.
#   4. p = P( sum_j lambda_j chi2_1 > statistic * chi2_d / d ),  d = residual df = design df + 1 - p: the probability
#      that the quadratic form with weights  a = (lambda_1, ..., lambda_q, -statistic/d repeated d times)  is positive,
#      by saddlepoint approximation (survey:::pFsum -> survey:::saddle at x = 0). With a scaled to max(a) = 1:
#         zeta solves sum_j a_j / (1 - 2 zeta a_j) = 0  on (0.99999 max_{a<0} 1/(2a), 0.99999 min_{a>0} 1/(2a)),
#         w = sign(zeta) sqrt(sum_j log(1 - 2 zeta a_j)),   v = zeta sqrt(2 sum_j a_j^2 / (1 - 2 zeta a_j)^2),
#         p = 1 - Phi(w + log(v / w) / w).
#      If |zeta| < 1e-4 the saddlepoint is not defined, and p is Satterthwaite's:
#         F = statistic / (q * mean(lambda)),   df = q mean(lambda)^2 / mean(lambda^2) and d.

suppressPackageStartupMessages({
  library(survey)
  library(Hmisc)
})

# R's default, 1e-8, stops while the coefficients are still 1e-6 off (relative).
CONVERGED <- glm.control(epsilon = 1e-13, maxit = 50)
CONFIDENCE_LEVEL <- 0.95

# survey:::saddle finds zeta by uniroot(tol = 1e-8), and p inherits an error near 1e-9 (relative) here, more if zeta is
# small: too close to the 1e-8 that is asked of the Python code. The source of the installed function is edited, not
# retyped, so everything else in it stays what the package does.
tighten_saddlepoint <- function() {
  source_lines <- deparse(survey:::saddle)
  loose <- grep("tol = 1e-08", source_lines, fixed = TRUE)
  stopifnot(length(loose) == 1)
  source_lines[loose] <- sub("1e-08", ".Machine$double.eps^0.9", source_lines[loose], fixed = TRUE)
  tight <- eval(parse(text = source_lines), envir = asNamespace("survey"))
  assignInNamespace("saddle", tight, ns = "survey")
}
tighten_saddlepoint()

# ---- one fit -------------------------------------------------------------------------------------------------------

# glm() hands out the working weights of its last iteration, that is of the coefficients before the last step, and
# svyglm builds its covariance from them. After a fit to 1e-13 the coefficients are right to 1e-11, but the standard
# errors of the NHANES studies are still up to 1.5e-7 off (relative). Starting once more from the solution puts weights
# and coefficients at the same place. The call without `start` is kept, because regTermTest's LRT refits smaller models
# by update(); it looks for `domain` in the formula's environment.
fit_domain <- function(domain, response, terms) {
  formula <- reformulate(terms, response, env = environment())
  fit <- svyglm(formula, design = domain, family = quasibinomial(), control = CONVERGED)
  settled <- eval(bquote(svyglm(formula, design = domain, family = quasibinomial(), control = CONVERGED,
                                start = .(unname(coef(fit))))))
  stopifnot(fit$converged, settled$converged)
  settled$call <- fit$call
  settled
}

half_width <- function(std_error, df) qt(1 - (1 - CONFIDENCE_LEVEL) / 2, df) * std_error

term_names <- function(fit) sub("(Intercept)", "intercept", names(coef(fit)), fixed = TRUE)

spline_columns <- function(x, knots, name) {
  basis <- matrix(rcspline.eval(x, knots = knots, inclx = TRUE, norm = 2), nrow = length(x))
  colnames(basis) <- c(name, paste0(name, "_s", seq_len(ncol(basis) - 1)))
  basis
}

sample_row <- function(id, domain, fit, reference) {
  present <- weights(domain, "sampling") != 0
  data.frame(study_id = id, n = nrow(domain), cases = sum(fit$y), n_psu = length(unique(domain$cluster[present, 1])),
             n_strata = length(unique(domain$strata[present, 1])), design_df = degf(domain),
             residual_df = fit$df.residual, reference = reference)
}

fit_rows <- function(id, fit) {
  estimate <- unname(coef(fit))
  std_error <- sqrt(unname(diag(vcov(fit))))
  df <- fit$df.residual
  half <- half_width(std_error, df)
  data.frame(study_id = id, term = term_names(fit), estimate, std_error, statistic = estimate / std_error, df,
             p_value = 2 * pt(-abs(estimate / std_error), df), conf_low = estimate - half, conf_high = estimate + half)
}

vcov_rows <- function(id, fit) {
  covariance <- unname(vcov(fit))
  lower <- which(lower.tri(covariance, diag = TRUE), arr.ind = TRUE)
  data.frame(study_id = id, row = term_names(fit)[lower[, 1]], col = term_names(fit)[lower[, 2]],
             value = covariance[lower])
}

# One hypothesis by both methods; the Rao-Scott eigenvalues go into a table of their own.
test_rows <- function(id, fit, test, terms) {
  wald <- regTermTest(fit, reformulate(terms), method = "Wald")
  lrt <- regTermTest(fit, reformulate(terms), method = "LRT")
  lambda <- sort(Re(lrt$lambda), decreasing = TRUE)
  list(tests = data.frame(study_id = id, test, method = c("wald", "rao_scott"),
                          statistic = c(wald$Ftest, lrt$chisq), df_num = c(wald$df, lrt$df),
                          df_den = c(wald$ddf, lrt$ddf), p_value = c(wald$p, lrt$p)),
       lambda = data.frame(study_id = id, test, index = seq_along(lambda), lambda))
}

spline_test_rows <- function(id, fit, spline_terms) {
  overall <- test_rows(id, fit, "overall", spline_terms)
  nonlinear <- test_rows(id, fit, "nonlinear", spline_terms[-1])
  list(tests = rbind(overall$tests, nonlinear$tests), lambda = rbind(overall$lambda, nonlinear$lambda))
}

curve_rows <- function(id, fit, x, knots, reference, name) {
  contrast <- sweep(spline_columns(x, knots, name), 2, spline_columns(reference, knots, name))
  terms <- colnames(contrast)
  log_or <- drop(contrast %*% coef(fit)[terms])
  std_error <- sqrt(rowSums((contrast %*% vcov(fit)[terms, terms]) * contrast))
  half <- half_width(std_error, fit$df.residual)
  data.frame(study_id = id, x, log_or, std_error, odds_ratio = exp(log_or), conf_low = exp(log_or - half),
             conf_high = exp(log_or + half))
}

# ---- writing -------------------------------------------------------------------------------------------------------

# 17 significant digits give back the same double; an absent value is an empty field.
exact <- function(column) {
  if (!is.numeric(column)) return(column)
  ifelse(is.na(column), "", trimws(formatC(column, digits = 17, format = "g", width = 1)))
}

write_table <- function(frame, folder, name) {
  frame[] <- lapply(frame, exact)
  write.csv(frame, file.path(folder, paste0(name, ".csv")), row.names = FALSE, quote = FALSE)
}

# A list of per-study lists of frames -> one file per frame name.
write_tables <- function(results, folder) {
  dir.create(folder, showWarnings = FALSE, recursive = TRUE)
  for (name in names(results[[1]])) write_table(do.call(rbind, lapply(results, `[[`, name)), folder, name)
}

write_versions <- function(folder, packages) {
  versions <- c(list(R = paste(R.version$major, R.version$minor, sep = ".")),
                lapply(setNames(nm = packages), function(package) as.character(packageVersion(package))))
  writeLines(jsonlite::toJSON(versions, auto_unbox = TRUE, pretty = TRUE), file.path(folder, "versions.json"))
}

# survey.lonely.psu = "adjust" centres a lonely PSU's total at zero in survey 4.1.1, and in 4.5 at the sum over all rows of
# the domain divided by the number of PSUs in the strata these lie in, m. This gives 4.1.1 the rule of 4.5: instead of
# t t' a lonely PSU of total t adds (t - m)(t - m)'. First it is held to what 4.5's own test (tests/lonely.psu.R) expects
# of five people with totals 320.25, 425.25 | 700, 1040 | 660. By hand: m = 3145.5 / 5 = 629.1, and
# (425.25 - 320.25)^2 + (1040 - 700)^2 + (660 - m)^2 = 126625 + 954.81 = 127579.81, where 4.1.1 has 126625 + 660^2.
adjust_as_survey_4_5 <- function() {
  about_zero <- survey:::onestage
  about_mean <- function(x, strata, clusters, nPSU, fpc, lonely.psu = getOption("survey.lonely.psu"), stage = 0, cal) {
    variance <- about_zero(x, strata, clusters, nPSU, fpc, lonely.psu = lonely.psu, stage = stage, cal = cal)
    if (lonely.psu != "adjust" || !any(nPSU == 1)) return(variance)
    totals <- rowsum(x[nPSU == 1, , drop = FALSE], strata[nPSU == 1])
    mean_total <- colSums(x) / sum(nPSU[!duplicated(strata)])
    variance - crossprod(totals) + crossprod(sweep(totals, 2, mean_total))
  }
  assignInNamespace("onestage", about_mean, "survey")
  five <- data.frame(h = c(1, 1, 2, 2, 3), i = 1:5, w = c(10.5, 10.5, 20, 20, 15), age = c(30.5, 40.5, 35, 52, 44))
  design <- svydesign(ids = ~i, strata = ~h, weights = ~w, data = five)
  chosen <- options(survey.lonely.psu = "adjust")
  found <- vcov(svytotal(~age, design))[1, 1]
  options(chosen)
  if (abs(found - 127579.8) > 0.05) stop("adjust is not that of survey 4.5: ", found)
}
